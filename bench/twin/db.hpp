// A few connections to PostgreSQL in pipeline mode, none of which ever waits.
#pragma once

#include <libpq-fe.h>

#include <array>
#include <cstdint>

namespace twin {

struct Connection;  // a client's, of net.hpp
class Loop;

// Gets the result of a query, which is cleared afterwards; null: the database is away.
using Callback = void (*)(Connection& client, const PGresult* result);

enum class Statement : std::uint8_t { health, task_get };

class Pool {
public:
    static constexpr int kConnections = 2;
    static constexpr unsigned kPending = 256;

    explicit Pool(Loop& loop) : loop_{loop} {}
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;
    ~Pool();

    void open(const char* conninfo);
    bool query(Statement statement, const char* const* values, Callback done, Connection& client);
    void event(int index, std::uint32_t events);
    void flush();
    void tick();

private:
    enum class State : std::uint8_t { down, connecting, preparing, ready };

    struct Entry {
        Callback done;
        Connection* client;
    };

    struct Link {
        PGconn* pg = nullptr;
        State state = State::down;
        bool unflushed = false;
        bool answered = false;  // the callback of the first entry was called
        std::uint32_t watched = 0;
        std::int64_t retry_at = 0;
        std::int64_t delay = 0;  // 0: no failure in a row
        std::array<Entry, kPending> queue{};
        unsigned head = 0, count = 0;
    };

    void start(Link& link);
    void fail(Link& link);
    void poll(Link& link);
    void prepare(Link& link);
    void flush(Link& link);
    void receive(Link& link);
    bool take(Link& link);
    void watch(Link& link, std::uint32_t events);

    Loop& loop_;
    const char* conninfo_ = "";
    std::array<Link, kConnections> links_{};
    unsigned turn_ = 0;
};

}  // namespace twin
