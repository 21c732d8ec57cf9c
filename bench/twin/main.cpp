// The C++ twin of Taskify: the same behaviour in the same design, to compare machine code with.

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>

#include "net.hpp"

namespace twin {
namespace {

using namespace std::string_view_literals;

Loop* loop = nullptr;  // what the database's callbacks answer through

constexpr std::array kColumns{
    "{\"id\":"sv,          ",\"project_id\":"sv,  ",\"title\":"sv,   ",\"description\":"sv,
    ",\"status\":"sv,      ",\"position\":"sv,    ",\"assignee_id\":"sv, ",\"created_by\":"sv,
    ",\"version\":"sv,     ",\"created_at\":"sv,  ",\"updated_at\":"sv,
};
constexpr std::array kIsText{false, false, true,  true,  true, false,
                             false, false, false, true, true};

bool append_task(Buffer& out, const PGresult* result, int row) {
    bool fits = true;
    for (std::size_t i = 0; i < kColumns.size() && fits; ++i) {
        const int column = static_cast<int>(i);
        const std::string_view value{
            PQgetvalue(result, row, column),
            static_cast<std::size_t>(PQgetlength(result, row, column))};
        fits = out.append(kColumns[i]);
        if (PQgetisnull(result, row, column)) fits = fits && out.append("null"sv);
        else if (kIsText[i]) fits = fits && out.append_json_string(value);
        else fits = fits && out.append(value);
    }
    return fits && out.append("}"sv);
}

void fail(Connection& client, int status, std::string_view allow = {}) {
    char bytes[256];
    Buffer body{bytes, sizeof bytes};
    append_error(body, status);
    loop->answer(client, status, body.text(), allow);
}

void health_done(Connection& client, const PGresult* result) {
    if (result != nullptr && PQresultStatus(result) == PGRES_TUPLES_OK)
        loop->answer(client, 200, "{\"status\":\"ok\",\"database\":\"ok\"}"sv);
    else
        loop->answer(client, 503, "{\"status\":\"ok\",\"database\":\"unavailable\"}"sv);
}

void task_done(Connection& client, const PGresult* result) {
    static char bytes[131072];
    if (result == nullptr) return fail(client, 503);
    if (PQresultStatus(result) != PGRES_TUPLES_OK) return fail(client, 500);
    if (PQntuples(result) == 0) return fail(client, 404);
    Buffer body{bytes, sizeof bytes};
    if (!append_task(body, result, 0)) return fail(client, 500);
    loop->answer(client, 200, body.text());
}

void task_get(Connection& client, std::uint64_t id) {
    char text[21] = {};
    std::to_chars(text, text + 20, id);
    const char* const values[] = {text};
    if (!loop->database.query(Statement::task_get, values, task_done, client)) fail(client, 503);
}

// The positive 63-bit integer that `s` is in decimal digits, or 0.
std::uint64_t identifier(std::string_view s) {
    std::uint64_t id = 0;
    const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), id);
    const bool whole = error == std::errc{} && end == s.data() + s.size();
    return whole && id <= std::numeric_limits<std::int64_t>::max() ? id : 0;
}

void handle(Loop&, Connection& client) {
    constexpr auto kTasks = "/api/tasks/"sv;
    const auto path = client.request.path;
    const bool reads = client.request.method == Method::get || client.request.method == Method::head;
    if (path == "/health"sv) {
        if (!reads) return fail(client, 405, "GET, HEAD"sv);
        if (!loop->database.query(Statement::health, nullptr, health_done, client))
            health_done(client, nullptr);
        return;
    }
    if (!path.starts_with(kTasks)) return fail(client, 404);
    const auto segment = path.substr(kTasks.size());
    if (segment.empty() || segment.find('/') != std::string_view::npos) return fail(client, 404);
    const auto id = identifier(segment);
    if (id == 0) return fail(client, 400);
    if (!reads) return fail(client, 405, "GET, HEAD"sv);
    task_get(client, id);
}

// The port of `--port N` pairs, or 0.
unsigned port_of(int argc, char** argv) {
    unsigned port = 8080;
    for (int i = 1; i < argc; i += 2) {
        if (std::strcmp(argv[i], "--port") != 0 || i + 1 == argc) return 0;
        const char* end = argv[i + 1] + std::strlen(argv[i + 1]);
        const auto read = std::from_chars(argv[i + 1], end, port);
        if (read.ec != std::errc{} || read.ptr != end || port == 0 || port > 65535) return 0;
    }
    return port;
}

}  // namespace
}  // namespace twin

int main(int argc, char** argv) {
    const unsigned port = twin::port_of(argc, argv);
    if (port == 0) {
        twin::log_line("usage: taskify [--port N]");
        return 2;
    }
    const auto loop = std::make_unique<twin::Loop>(twin::handle);
    twin::loop = loop.get();
    if (!loop->open(static_cast<std::uint16_t>(port))) {
        twin::log_line("cannot listen");
        return 1;
    }
    const char* database = std::getenv("TASKIFY_DATABASE_URL");
    loop->database.open(database != nullptr ? database : "");
    twin::log_line("listening");
    return loop->run();
}
