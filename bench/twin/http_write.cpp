// Answers and JSON as bytes.

#include <array>
#include <charconv>

#include "http.hpp"

namespace twin {
namespace {

using namespace std::string_view_literals;

std::string_view reason(int status) {
    switch (status) {
    case 100: return "Continue"sv;
    case 200: return "OK"sv;
    case 201: return "Created"sv;
    case 204: return "No Content"sv;
    case 400: return "Bad Request"sv;
    case 401: return "Unauthorized"sv;
    case 403: return "Forbidden"sv;
    case 404: return "Not Found"sv;
    case 405: return "Method Not Allowed"sv;
    case 409: return "Conflict"sv;
    case 413: return "Content Too Large"sv;
    case 414: return "URI Too Long"sv;
    case 415: return "Unsupported Media Type"sv;
    case 417: return "Expectation Failed"sv;
    case 422: return "Unprocessable Content"sv;
    case 431: return "Request Header Fields Too Large"sv;
    case 500: return "Internal Server Error"sv;
    case 501: return "Not Implemented"sv;
    case 503: return "Service Unavailable"sv;
    case 505: return "HTTP Version Not Supported"sv;
    default: return "Unknown"sv;
    }
}

// What a byte becomes in a JSON string: 0 itself, 'u' a \u00xx, anything else a \ and that letter.
constexpr std::array<char, 256> escape_table() {
    std::array<char, 256> table{};
    for (int c = 0; c < 0x20; ++c) table[c] = 'u';
    table['\b'] = 'b';
    table['\t'] = 't';
    table['\n'] = 'n';
    table['\f'] = 'f';
    table['\r'] = 'r';
    table['"'] = '"';
    table['\\'] = '\\';
    return table;
}
constexpr auto kEscape = escape_table();

}  // namespace

bool Buffer::append(std::uint64_t value) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    return append({digits, static_cast<std::size_t>(end - digits)});
}

bool Buffer::append_json_string(std::string_view s) {
    const std::size_t before = len_;
    bool fits = append("\""sv);
    std::size_t run = 0;  // s[run..i) needs no escape and is not copied yet
    for (std::size_t i = 0; i < s.size() && fits; ++i) {
        const auto byte = static_cast<unsigned char>(s[i]);
        const char escape = kEscape[byte];
        if (escape == 0) [[likely]] continue;
        fits = append(s.substr(run, i - run));
        run = i + 1;
        const char text[6] = {'\\', escape, '0', '0', "0123456789abcdef"[byte >> 4],
                              "0123456789abcdef"[byte & 15]};
        fits = fits && append({text, escape == 'u' ? 6U : 2U});
    }
    fits = fits && append(s.substr(run)) && append("\""sv);
    if (!fits) len_ = before;
    return fits;
}

bool append_answer(Buffer& out, int status, std::string_view body, AnswerFlags flags,
                   std::string_view allow) {
    const std::size_t before = out.size();
    bool fits = out.append("HTTP/1.1 "sv) && out.append(static_cast<std::uint64_t>(status)) &&
                out.append(" "sv) && out.append(reason(status)) && out.append("\r\n"sv);
    if (status != 100) {
        if (status != 204)
            fits = fits && out.append("Content-Type: application/json\r\nContent-Length: "sv) &&
                   out.append(std::uint64_t{body.size()}) && out.append("\r\n"sv);
        if (!allow.empty())
            fits = fits && out.append("Allow: "sv) && out.append(allow) && out.append("\r\n"sv);
        if (flags.close) fits = fits && out.append("Connection: close\r\n"sv);
    }
    fits = fits && out.append("\r\n"sv);
    if (status != 100 && status != 204 && !flags.head) fits = fits && out.append(body);
    if (!fits) out.truncate(before);
    return fits;
}

bool append_error(Buffer& out, int status) {
    std::string_view code = "internal"sv, sentence = "Something went wrong."sv;
    switch (status) {
    case 400: code = "bad_request"sv, sentence = "The request is malformed."sv; break;
    case 401: code = "unauthorized"sv, sentence = "X-User-Id is missing or unknown."sv; break;
    case 403: code = "forbidden"sv, sentence = "You may not do this."sv; break;
    case 404: code = "not_found"sv, sentence = "There is no such thing."sv; break;
    case 405: code = "method_not_allowed"sv, sentence = "The path does not take this method."sv; break;
    case 409: code = "conflict"sv, sentence = "The thing has changed meanwhile."sv; break;
    case 413: code = "content_too_large"sv, sentence = "The body is too large."sv; break;
    case 414: code = "uri_too_long"sv, sentence = "The target is too long."sv; break;
    case 415: code = "unsupported_media_type"sv, sentence = "The body must be application/json."sv; break;
    case 417: code = "expectation_failed"sv, sentence = "The expectation cannot be met."sv; break;
    case 431: code = "headers_too_large"sv, sentence = "The header fields are too large."sv; break;
    case 501: code = "not_implemented"sv, sentence = "This is not supported."sv; break;
    case 503: code = "unavailable"sv, sentence = "The database is away."sv; break;
    case 505: code = "version_not_supported"sv, sentence = "Only HTTP/1.1 is spoken here."sv; break;
    default: break;
    }
    const std::size_t before = out.size();
    const bool fits = out.append("{\"error\":\""sv) && out.append(code) &&
                      out.append("\",\"message\":\""sv) && out.append(sentence) &&
                      out.append("\"}"sv);
    if (!fits) out.truncate(before);
    return fits;
}

}  // namespace twin
