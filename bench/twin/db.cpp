#include "db.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <string_view>

#include "net.hpp"

namespace twin {
namespace {

struct Prepared {
    const char* name;
    const char* text;
    int parameters;
};

constexpr std::array<Prepared, 2> kStatements{{
    {"health", "SELECT 1", 0},
    {"task_get",
     "SELECT id, project_id, title, description, status, position, assignee_id, created_by, "
     "version, to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), "
     "to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') "
     "FROM tasks WHERE id = $1::bigint",
     1},
}};

constexpr std::int64_t kFirstDelay = 100, kLastDelay = 3200;  // milliseconds

}  // namespace

Pool::~Pool() {
    for (auto& link : links_) PQfinish(link.pg);
}

void Pool::open(const char* conninfo) {
    conninfo_ = conninfo;
    for (auto& link : links_) start(link);
}

void Pool::start(Link& link) {
    link.pg = PQconnectStart(conninfo_);
    if (link.pg == nullptr || PQstatus(link.pg) == CONNECTION_BAD) return fail(link);
    link.state = State::connecting;
    link.watched = 0;
    watch(link, EPOLLOUT);
}

void Pool::fail(Link& link) {
    if (link.state == State::ready) log_line("database away");
    PQfinish(link.pg);
    link.pg = nullptr;
    link.state = State::down;
    link.unflushed = false;
    link.delay = link.delay == 0 ? kFirstDelay : std::min(link.delay * 2, kLastDelay);
    link.retry_at = now_ms() + link.delay;
    while (link.count > 0) {
        const Entry entry = link.queue[link.head];
        const bool answered = link.answered;
        link.head = (link.head + 1) % kPending;
        --link.count;
        link.answered = false;
        if (!answered) entry.done(*entry.client, nullptr);
    }
}

bool Pool::query(Statement statement, const char* const* values, Callback done,
                 Connection& client) {
    for (int tried = 0; tried < kConnections; ++tried) {
        Link& link = links_[turn_];
        turn_ = (turn_ + 1) % kConnections;
        if (link.state != State::ready || link.count == kPending) continue;
        const auto& prepared = kStatements[static_cast<std::size_t>(statement)];
        if (PQsendQueryPrepared(link.pg, prepared.name, prepared.parameters, values, nullptr,
                                nullptr, 0) == 0 ||
            PQpipelineSync(link.pg) == 0) {
            fail(link);
            return false;
        }
        link.queue[(link.head + link.count) % kPending] = {done, &client};
        ++link.count;
        link.unflushed = true;
        return true;
    }
    return false;
}

void Pool::event(int index, std::uint32_t events) {
    Link& link = links_[static_cast<std::size_t>(index)];
    if (link.state == State::down) return;
    if (link.state == State::connecting) return poll(link);
    if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) receive(link);
    if ((events & EPOLLOUT) != 0 && link.state > State::connecting) flush(link);
}

void Pool::poll(Link& link) {
    switch (PQconnectPoll(link.pg)) {
    case PGRES_POLLING_READING: return watch(link, EPOLLIN);
    case PGRES_POLLING_WRITING: return watch(link, EPOLLOUT);
    case PGRES_POLLING_OK: return prepare(link);
    default: return fail(link);
    }
}

void Pool::prepare(Link& link) {
    bool sent = PQsetnonblocking(link.pg, 1) == 0 && PQenterPipelineMode(link.pg) == 1;
    for (const auto& prepared : kStatements)
        sent = sent && PQsendPrepare(link.pg, prepared.name, prepared.text, 0, nullptr) == 1;
    if (!sent || PQpipelineSync(link.pg) == 0) return fail(link);
    link.state = State::preparing;
    flush(link);
}

void Pool::flush(Link& link) {
    link.unflushed = false;
    switch (PQflush(link.pg)) {
    case 0: return watch(link, EPOLLIN);
    case 1: return watch(link, EPOLLIN | EPOLLOUT);
    default: return fail(link);
    }
}

void Pool::receive(Link& link) {
    if (PQconsumeInput(link.pg) == 0) return fail(link);
    while ((link.state == State::preparing || (link.state == State::ready && link.count > 0)) &&
           PQisBusy(link.pg) == 0) {
        if (!take(link)) return fail(link);
    }
}

// Takes one result. False: it says that the connection is of no use.
bool Pool::take(Link& link) {
    PGresult* result = PQgetResult(link.pg);
    if (result == nullptr) return true;
    const auto status = PQresultStatus(result);
    if (link.state == State::preparing) {
        PQclear(result);
        if (status == PGRES_COMMAND_OK) return true;
        if (status != PGRES_PIPELINE_SYNC) return false;
        link.state = State::ready;
        link.delay = 0;
        log_line("database ready");
        return true;
    }
    const Entry entry = link.queue[link.head];
    if (status != PGRES_PIPELINE_SYNC) {
        if (!link.answered) {
            link.answered = true;
            entry.done(*entry.client, result);
        }
    } else {
        const bool answered = link.answered;
        link.head = (link.head + 1) % kPending;
        --link.count;
        link.answered = false;
        if (!answered) entry.done(*entry.client, nullptr);
    }
    PQclear(result);
    return true;
}

void Pool::flush() {
    for (auto& link : links_)
        if (link.state == State::ready && link.unflushed) flush(link);
}

void Pool::tick() {
    for (auto& link : links_)
        if (link.state == State::down && now_ms() >= link.retry_at) start(link);
}

void Pool::watch(Link& link, std::uint32_t events) {
    if (link.watched == events && link.state != State::connecting) return;
    link.watched = events;
    const auto index = static_cast<std::uint64_t>(&link - links_.data());
    loop_.watch(PQsocket(link.pg), events, Loop::kDatabaseTag + index);
}

}  // namespace twin
