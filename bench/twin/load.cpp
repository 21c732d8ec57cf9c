// A bounded load: REQUESTS requests over CONNECTIONS keep-alive connections, one at a time on each,
// every answer compared with the first one to the same target. Prints "seconds wrong".
//
// usage: load PORT REQUESTS CONNECTIONS TARGET...

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace std::string_view_literals;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kRoom = 65536;

struct Target {
    std::string request;
    std::string answer;  // the first one; all others must equal it
};

struct Client {
    int fd = -1;
    std::size_t target = 0;
    std::string received;
};

int connect_to(int port) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    if (fd < 0 || connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
        throw std::runtime_error("cannot connect");
    return fd;
}

void send_to(int fd, std::string_view text) {
    if (send(fd, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size()))
        throw std::runtime_error("cannot send");
}

void receive(int fd, std::string& into) {
    static char bytes[kRoom];
    const auto n = recv(fd, bytes, sizeof bytes, 0);
    if (n <= 0) throw std::runtime_error("the server closed a connection");
    into.append(bytes, static_cast<std::size_t>(n));
}

bool is_whole(std::string_view text) {
    constexpr auto kLength = "Content-Length: "sv;
    const auto end = text.find("\r\n\r\n"sv);
    const auto length = text.find(kLength);
    if (end == text.npos || length == text.npos) return false;
    return text.size() == end + 4 + std::strtoul(text.data() + length + kLength.size(), nullptr, 10);
}

Target learn(int port, std::string_view path) {
    Target target;
    target.request.append("GET ").append(path).append(" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    const int fd = connect_to(port);
    send_to(fd, target.request);
    while (!is_whole(target.answer)) receive(fd, target.answer);
    close(fd);
    if (!target.answer.starts_with("HTTP/1.1 200 ")) throw std::runtime_error(target.answer);
    return target;
}

int run(int port, long requests, std::size_t connections, const std::vector<Target>& targets) {
    std::vector<Client> clients(connections);
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    for (auto& client : clients) {
        client.fd = connect_to(port);
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = &client;
        epoll_ctl(epoll, EPOLL_CTL_ADD, client.fd, &event);
    }
    long asked = 0, answered = 0, wrong = 0;
    const auto ask = [&](Client& client) {
        client.target = static_cast<std::size_t>(asked++) % targets.size();
        client.received.clear();
        send_to(client.fd, targets[client.target].request);
    };
    const auto start = Clock::now();
    for (auto& client : clients)
        if (asked < requests) ask(client);
    while (answered < requests) {
        epoll_event events[64];
        const int n = epoll_wait(epoll, events, 64, 5000);
        if (n <= 0) throw std::runtime_error("no answer for 5 s");
        for (int i = 0; i < n; ++i) {
            auto& client = *static_cast<Client*>(events[i].data.ptr);
            receive(client.fd, client.received);
            const auto& expected = targets[client.target].answer;
            if (client.received.size() < expected.size()) continue;
            wrong += client.received != expected;
            ++answered;
            if (asked < requests) ask(client);
        }
    }
    const std::chrono::duration<double> seconds = Clock::now() - start;
    std::printf("%.6f %ld\n", seconds.count(), wrong);
    return wrong != 0;
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc < 5) throw std::runtime_error("usage: load PORT REQUESTS CONNECTIONS TARGET...");
    const int port = std::atoi(argv[1]);
    std::vector<Target> targets;
    for (int i = 4; i < argc; ++i) targets.push_back(learn(port, argv[i]));
    return run(port, std::atol(argv[2]), std::strtoul(argv[3], nullptr, 10), targets);
} catch (const std::exception& error) {
    std::fprintf(stderr, "load: %s\n", error.what());
    return 2;
}
