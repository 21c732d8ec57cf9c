// HTTP/1.1 as bytes: reading a request, writing an answer. No sockets here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace twin {

inline constexpr std::size_t kTargetMax = 4096;
inline constexpr std::size_t kHeadMax = 8192;
inline constexpr std::size_t kBodyMax = 65536;

enum class Method : std::uint8_t { other, get, head, post, put, patch, del };

struct Request {
    Method method = Method::other;
    bool keep_alive = false;
    bool expects_continue = false;
    bool has_body = false;
    std::string_view path, query, user, content_type, body;
};

// Reads one request from the front of `data`. Positive: the bytes that it takes up; 0: more are
// needed; negative: the status to refuse it with, negated. The views point into `data`.
long parse(std::string_view data, Request& request);

// A run of bytes that somebody else owns; an append that does not fit changes nothing.
class Buffer {
public:
    constexpr Buffer(char* data, std::size_t cap) : data_{data}, cap_{cap} {}

    [[nodiscard]] std::string_view text() const { return {data_, len_}; }
    [[nodiscard]] std::size_t size() const { return len_; }
    void truncate(std::size_t len) { len_ = len; }

    bool append(std::string_view s) {
        if (s.size() > cap_ - len_) return false;
        std::memcpy(data_ + len_, s.data(), s.size());
        len_ += s.size();
        return true;
    }
    bool append(std::uint64_t value);
    bool append_json_string(std::string_view s);  // RFC 8259, section 7

private:
    char* data_;
    std::size_t len_ = 0;
    std::size_t cap_;
};

struct AnswerFlags {
    bool head = false;   // the body is announced, not sent
    bool close = false;  // the connection is closed after this answer
};

// Appends a whole answer, or returns false and appends nothing.
bool append_answer(Buffer& out, int status, std::string_view body, AnswerFlags flags,
                   std::string_view allow = {});

// Appends the JSON body of an error that says nothing more than its status.
bool append_error(Buffer& out, int status);

}  // namespace twin
