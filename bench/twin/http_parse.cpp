// RFC 9112: one request from a run of bytes.

#include <array>
#include <optional>

#include "http.hpp"

namespace twin {
namespace {

using namespace std::string_view_literals;

constexpr std::array<bool, 256> token_table() {
    std::array<bool, 256> table{};
    for (int c = '0'; c <= '9'; ++c) table[c] = true;
    for (int c = 'a'; c <= 'z'; ++c) table[c] = table[c - 32] = true;
    for (char c : "!#$%&'*+-.^_`|~"sv) table[static_cast<unsigned char>(c)] = true;
    return table;
}
constexpr auto kToken = token_table();

constexpr std::array<bool, 256> value_table() {
    std::array<bool, 256> table{};
    for (int c = 0; c < 256; ++c) table[c] = (c >= 0x20 && c != 0x7F) || c == '\t';
    return table;
}
constexpr auto kValue = value_table();

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

bool equals(std::string_view s, std::string_view lower_case) {
    if (s.size() != lower_case.size()) return false;
    for (std::size_t i = 0; i < s.size(); ++i)
        if (lower(s[i]) != lower_case[i]) return false;
    return true;
}

std::string_view trim(std::string_view s) {
    while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
    while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
    return s;
}

Method method_of(std::string_view s) {
    if (s == "GET"sv) return Method::get;
    if (s == "HEAD"sv) return Method::head;
    if (s == "POST"sv) return Method::post;
    if (s == "PUT"sv) return Method::put;
    if (s == "PATCH"sv) return Method::patch;
    if (s == "DELETE"sv) return Method::del;
    return Method::other;
}

// What the header fields come to; the request line and the body are not known here.
struct Fields {
    unsigned hosts = 0;
    bool transfer_encoding = false;
    bool too_large = false;
    bool bad_expectation = false;
    bool close = false;
    bool keep_alive = false;
    std::optional<std::size_t> length;
};

void connection_elements(std::string_view value, Fields& fields) {
    for (;;) {
        const auto comma = value.find(',');
        const auto element = trim(value.substr(0, comma));
        if (equals(element, "close"sv)) fields.close = true;
        if (equals(element, "keep-alive"sv)) fields.keep_alive = true;
        if (comma == std::string_view::npos) return;
        value.remove_prefix(comma + 1);
    }
}

bool content_length(std::string_view value, Fields& fields) {
    if (value.empty() || fields.length) return false;
    std::size_t n = 0;
    for (char c : value) {
        if (!is_digit(c)) return false;
        if (n <= kBodyMax) n = n * 10 + static_cast<std::size_t>(c - '0');
    }
    fields.too_large = n > kBodyMax;
    fields.length = n;
    return true;
}

// Takes one header line, without its line break. False: refused with 400.
bool take_field(std::string_view line, Request& request, Fields& fields) {
    std::size_t colon = 0;
    while (colon < line.size() && kToken[static_cast<unsigned char>(line[colon])]) ++colon;
    if (colon == 0 || colon == line.size() || line[colon] != ':') return false;
    const auto name = line.substr(0, colon);
    const auto raw = line.substr(colon + 1);
    for (unsigned char c : raw)
        if (!kValue[c]) return false;
    const auto value = trim(raw);
    switch (name.size()) {
    case 4:
        if (equals(name, "host"sv)) return ++fields.hosts == 1;
        return true;
    case 6:
        if (equals(name, "expect"sv)) {
            if (equals(value, "100-continue"sv)) request.expects_continue = true;
            else fields.bad_expectation = true;
        }
        return true;
    case 9:
        if (equals(name, "x-user-id"sv)) {
            if (request.user.data() != nullptr) return false;
            request.user = value;
        }
        return true;
    case 10:
        if (equals(name, "connection"sv)) connection_elements(value, fields);
        return true;
    case 12:
        if (equals(name, "content-type"sv)) {
            if (request.content_type.data() != nullptr) return false;
            request.content_type = value;
        }
        return true;
    case 14:
        if (equals(name, "content-length"sv)) return content_length(value, fields);
        return true;
    case 17:
        if (equals(name, "transfer-encoding"sv)) fields.transfer_encoding = true;
        return true;
    default:
        return true;
    }
}

// Takes the request line. 0, or the status to refuse it with.
int take_request_line(std::string_view line, Request& request, bool& old) {
    const auto blank = line.find(' ');
    if (blank == 0 || blank == std::string_view::npos) return 400;
    for (char c : line.substr(0, blank))
        if (c < 'A' || c > 'Z') return 400;
    request.method = method_of(line.substr(0, blank));
    line.remove_prefix(blank + 1);

    const auto end = line.find(' ');
    if (end == std::string_view::npos) return 400;
    const auto target = line.substr(0, end);
    if (target.empty() || target.front() != '/') return 400;
    for (unsigned char c : target)
        if (c < 0x21 || c > 0x7E) return 400;
    const auto mark = target.find('?');
    request.path = target.substr(0, mark);
    request.query = mark == std::string_view::npos ? ""sv : target.substr(mark + 1);

    const auto version = line.substr(end + 1);
    old = version == "HTTP/1.0"sv;
    if (old || version == "HTTP/1.1"sv) return 0;
    const bool shaped = version.size() == 8 && version.starts_with("HTTP/"sv) &&
                        is_digit(version[5]) && version[6] == '.' && is_digit(version[7]);
    return shaped ? 505 : 400;
}

// The bytes of a request target that have come, its end or not.
std::size_t target_size(std::string_view data) {
    const auto blank = data.find_first_of(" \r\n"sv);
    if (blank == std::string_view::npos || data[blank] != ' ') return 0;
    const auto rest = data.substr(blank + 1);
    const auto end = rest.find_first_of(" \r\n"sv);
    return end == std::string_view::npos ? rest.size() : end;
}

long too_long(std::string_view data) { return target_size(data) > kTargetMax ? -414 : -431; }

}  // namespace

long parse(std::string_view data, Request& request) {
    request = Request{};
    const std::size_t skipped = data.starts_with("\r\n"sv) ? 2 : 0;
    const auto all = data.substr(skipped);
    Fields fields;
    bool old = false;
    int refusal = 0;
    std::size_t at = 0;
    for (bool first = true;; first = false) {
        const auto line_feed = all.find('\n', at);
        if (line_feed == std::string_view::npos || line_feed >= kHeadMax) {
            if (all.size() > kHeadMax) return too_long(all);
            if (first && all.size() > kTargetMax && target_size(all) > kTargetMax) return -414;
            return refusal != 0 ? -refusal : 0;
        }
        const auto line = all.substr(at, line_feed - at);
        at = line_feed + 1;
        if (line.empty() || line.back() != '\r') return -400;
        const auto text = line.substr(0, line.size() - 1);
        if (first) {
            if (text.size() > kTargetMax && target_size(text) > kTargetMax) return -414;
            refusal = take_request_line(text, request, old);
            if (refusal == 0 && text.find('\r') != std::string_view::npos) refusal = 400;
            if (refusal == 400) return -400;
            continue;
        }
        if (text.empty()) break;
        if (!take_field(text, request, fields)) return -400;
    }
    if (refusal != 0) return -refusal;
    if (old ? fields.hosts > 1 : fields.hosts != 1) return -400;
    if (fields.transfer_encoding) return fields.length ? -400 : -501;
    if (fields.too_large) return -413;
    if (fields.bad_expectation) return -417;
    request.keep_alive = !fields.close && (!old || fields.keep_alive);
    request.has_body = fields.length.has_value();
    const std::size_t length = fields.length.value_or(0);
    if (all.size() - at < length) return 0;
    request.body = all.substr(at, length);
    return static_cast<long>(skipped + at + length);
}

}  // namespace twin
