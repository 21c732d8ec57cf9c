// The event loop, the clients' connections and their timeouts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "db.hpp"
#include "http.hpp"

namespace twin {

std::int64_t now_ms();                // CLOCK_MONOTONIC
void log_line(std::string_view text);  // one line on standard error

struct Connection {
    static constexpr std::size_t kInput = kHeadMax + kBodyMax + 4;
    static constexpr std::size_t kOutput = 262144;
    enum class State : std::uint8_t { free, reading, waiting, sending, lingering };

    int fd = -1;  // -1 while waiting: the client is gone
    State state = State::free;
    bool continued = false;  // 100 was sent for the request that is being read
    bool closing = false;    // the last answer announced the end
    bool lingers = false;    // it refused a request that may still be coming
    std::uint32_t watched = 0;
    std::int64_t active = 0;  // when a byte last came or went
    std::size_t received = 0;
    std::size_t taken = 0;  // bytes of the request that is being answered
    std::size_t sent = 0;
    Request request;
    Buffer output{nullptr, 0};
    std::array<char, kInput> input;
    std::array<char, kOutput> output_bytes;
};

using Handler = void (*)(Loop& loop, Connection& client);

class Loop {
public:
    static constexpr std::size_t kConnections = 512;
    static constexpr std::uint64_t kDatabaseTag = 4096;

    explicit Loop(Handler handler);
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    ~Loop();

    bool open(std::uint16_t port);
    bool watch(int fd, std::uint32_t events, std::uint64_t tag);
    int run();

    // Answers the request that a client waits with; exactly once for each request.
    void answer(Connection& client, int status, std::string_view body,
                std::string_view allow = {});

    Pool database{*this};

private:
    void accept_all();
    void readable(Connection& client);
    void serve(Connection& client);
    bool process(Connection& client);
    bool send(Connection& client);
    void close(Connection& client);
    void discard(Connection& client);
    void event(std::uint64_t tag, std::uint32_t events);
    void sweep(std::int64_t now);
    void wind_up();
    void watch(Connection& client, std::uint32_t events);

    Handler handler_;
    int epoll_ = -1;
    int listening_ = -1;
    bool ending_ = false;
    bool paused_ = false;  // there was no descriptor for a client
    Connection* serving_ = nullptr;  // whom serve() is about: answer() leaves the sending to it
    std::size_t in_use_ = 0;
    std::int64_t now_ = 0;  // of this turn
    std::int64_t swept_ = 0;
    std::unique_ptr<std::array<Connection, kConnections>> clients_;
    std::array<std::uint16_t, kConnections> free_;  // free_[0..kConnections - in_use_)
};

}  // namespace twin
