#include "net.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>
#include <string>
#include <utility>

namespace twin {
namespace {

constexpr std::int64_t kPatience = 10000, kLinger = 2000, kDrain = 5000, kSweep = 80;  // milliseconds
constexpr int kTurn = 100;

volatile std::sig_atomic_t stop_asked = 0;

}  // namespace

std::int64_t now_ms() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return std::int64_t{t.tv_sec} * 1000 + t.tv_nsec / 1'000'000;
}

void log_line(std::string_view text) {
    std::string line{"taskify: "};
    line.append(text.substr(0, 1000)).push_back('\n');
    [[maybe_unused]] const auto written = ::write(2, line.data(), line.size());
}

Loop::Loop(Handler handler)
    : handler_{handler},
      clients_{std::make_unique_for_overwrite<std::array<Connection, kConnections>>()} {
    for (std::size_t i = 0; i < kConnections; ++i)
        free_[i] = static_cast<std::uint16_t>(kConnections - 1 - i);
}

Loop::~Loop() {
    ::close(listening_);
    ::close(epoll_);
}

bool Loop::open(std::uint16_t port) {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    listening_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (epoll_ < 0 || listening_ < 0) return false;
    const int on = 1;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return setsockopt(listening_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
           bind(listening_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
           listen(listening_, 511) == 0 && watch(listening_, EPOLLIN, 0);
}

bool Loop::watch(int fd, std::uint32_t events, std::uint64_t tag) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = tag;
    return epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) == 0 ||
           epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0;
}

void Loop::watch(Connection& client, std::uint32_t events) {
    if (client.watched == events) return;
    client.watched = events;
    watch(client.fd, events, static_cast<std::uint64_t>(&client - clients_->data()) + 1);
}

int Loop::run() {
    std::signal(SIGPIPE, SIG_IGN);
    struct sigaction action{};
    action.sa_handler = [](int) { stop_asked = 1; };
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);
    std::array<epoll_event, 64> events;
    std::int64_t ended = 0;
    for (;;) {
        const int n = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), kTurn);
        if (n < 0 && errno != EINTR) return 1;
        now_ = now_ms();
        for (int i = 0; i < n; ++i)
            event(events[static_cast<std::size_t>(i)].data.u64,
                  events[static_cast<std::size_t>(i)].events);
        database.flush();
        database.tick();
        sweep(now_);
        if (stop_asked != 0 && !ending_) {
            ended = now_;
            wind_up();
        }
        if (ending_ && (in_use_ == 0 || now_ - ended >= kDrain)) return 0;
    }
}

void Loop::event(std::uint64_t tag, std::uint32_t events) {
    if (tag == 0) return accept_all();
    if (tag >= kDatabaseTag) return database.event(static_cast<int>(tag - kDatabaseTag), events);
    Connection& client = (*clients_)[tag - 1];
    switch (client.state) {
    case Connection::State::reading: return readable(client);
    case Connection::State::sending: return serve(client);
    case Connection::State::waiting:
        if ((events & (EPOLLERR | EPOLLHUP)) != 0 && client.fd >= 0) {
            ::close(client.fd);
            client.fd = -1;
        } else if ((events & EPOLLIN) != 0) {
            watch(client, 0);  // more input has to wait for the answer
        }
        return;
    case Connection::State::lingering: return discard(client);
    case Connection::State::free: return;
    }
}

void Loop::accept_all() {
    for (;;) {
        const int fd = accept(listening_, nullptr, nullptr);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                paused_ = watch(listening_, 0, 0);
            return;
        }
        if (in_use_ == kConnections) {
            ::close(fd);
            continue;
        }
        fcntl(fd, F_SETFL, O_NONBLOCK);
        const int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        Connection& client = (*clients_)[free_[kConnections - 1 - in_use_++]];
        client.fd = fd;
        client.state = Connection::State::reading;
        client.continued = client.closing = false;
        client.lingers = false;
        client.watched = EPOLLIN;
        client.active = now_;
        client.received = client.sent = 0;
        client.output = Buffer{client.output_bytes.data(), client.output_bytes.size()};
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = static_cast<std::uint64_t>(&client - clients_->data()) + 1;
        if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) close(client);
    }
}

void Loop::close(Connection& client) {
    if (client.fd >= 0) ::close(client.fd);
    client.fd = -1;
    client.state = Connection::State::free;
    free_[kConnections - in_use_--] = static_cast<std::uint16_t>(&client - clients_->data());
}

void Loop::readable(Connection& client) {
    const auto n = recv(client.fd, client.input.data() + client.received,
                        client.input.size() - client.received, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return close(client);
    if (n < 0) return;
    client.received += static_cast<std::size_t>(n);
    client.active = now_;
    serve(client);
}

// Processes what a client has sent and sends what it is owed, until one of them has to wait.
void Loop::serve(Connection& client) {
    Connection* const outer = std::exchange(serving_, &client);
    for (;;) {
        if (client.state == Connection::State::reading && (client.received == 0 || !process(client)))
            break;
        if (client.state != Connection::State::sending || !send(client)) break;
    }
    serving_ = outer;
}

// Takes a request from the input. False: more bytes are needed.
bool Loop::process(Connection& client) {
    const long n = parse({client.input.data(), client.received}, client.request);
    if (n == 0) {
        if (!client.request.expects_continue || !client.request.has_body || client.continued)
            return false;
        client.continued = true;
        append_answer(client.output, 100, {}, {});
        client.state = Connection::State::sending;
    } else if (n < 0) {
        client.closing = client.lingers = true;
        const int status = static_cast<int>(-n);
        char bytes[256];
        Buffer body{bytes, sizeof bytes};
        append_error(body, status);
        append_answer(client.output, status, body.text(), {.close = true});
        client.state = Connection::State::sending;
    } else {
        client.taken = static_cast<std::size_t>(n);
        client.state = Connection::State::waiting;
        handler_(*this, client);
    }
    return true;
}

void Loop::answer(Connection& client, int status, std::string_view body, std::string_view allow) {
    if (client.fd < 0) return close(client);
    const bool head = client.request.method == Method::head;
    client.closing = !client.request.keep_alive || ending_;
    if (!append_answer(client.output, status, body, {.head = head, .close = client.closing},
                       allow)) {
        client.closing = true;
        append_answer(client.output, 500, {}, {.head = head, .close = true});
    }
    client.received -= client.taken;
    if (client.received > 0)
        std::memmove(client.input.data(), client.input.data() + client.taken, client.received);
    client.continued = false;
    client.state = Connection::State::sending;
    client.active = now_;
    if (serving_ != &client) serve(client);
}

// Sends what is left of the output. False: it has to wait, or the client is gone.
bool Loop::send(Connection& client) {
    const auto text = client.output.text();
    while (client.sent < text.size()) {
        const auto n = ::send(client.fd, text.data() + client.sent, text.size() - client.sent,
                              MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) {
            watch(client, EPOLLOUT);
            return false;
        }
        if (n < 0) {
            close(client);
            return false;
        }
        client.sent += static_cast<std::size_t>(n);
        client.active = now_;
    }
    if (client.lingers) {
        shutdown(client.fd, SHUT_WR);
        client.state = Connection::State::lingering;
        client.active = now_;
        watch(client, EPOLLIN);
        return false;
    }
    if (client.closing) {
        close(client);
        return false;
    }
    client.output.truncate(0);
    client.sent = 0;
    client.state = Connection::State::reading;
    watch(client, EPOLLIN);
    return true;
}

// Takes what a client still sends after it was refused.
void Loop::discard(Connection& client) {
    const auto n = recv(client.fd, client.input.data(), client.input.size(), 0);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) close(client);
}

void Loop::sweep(std::int64_t now) {
    if (now - swept_ < kSweep) return;
    swept_ = now;
    for (auto& client : *clients_) {
        const bool idle = client.state == Connection::State::reading ||
                          client.state == Connection::State::sending;
        const bool lingers = client.state == Connection::State::lingering;
        if ((idle && now - client.active >= kPatience) ||
            (lingers && (ending_ || now - client.active >= kLinger)))
            close(client);
    }
    if (paused_) paused_ = !watch(listening_, EPOLLIN, 0);
}

void Loop::wind_up() {
    ending_ = true;
    ::close(listening_);
    listening_ = -1;
    for (auto& client : *clients_)
        if (client.state == Connection::State::reading && client.received == 0) close(client);
}

}  // namespace twin
