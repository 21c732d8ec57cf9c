#include <coroutine>
#include <ranges>
#include <span>
#include <vector>
#include <string>
#include <optional>
#include <exception>
#include <utility>
#include <memory>
#include <compare>
#include <memory_resource>
template <class T> struct Gen { struct promise_type { std::optional<T> v; std::exception_ptr e; Gen get_return_object() { return Gen{std::coroutine_handle<promise_type>::from_promise(*this)}; } std::suspend_always initial_suspend() { return {}; } std::suspend_always final_suspend() noexcept { return {}; } std::suspend_always yield_value(T x) { v = std::move(x); return {}; } void return_void() {} void unhandled_exception() { e = std::current_exception(); } };
 std::coroutine_handle<promise_type> h; explicit Gen(std::coroutine_handle<promise_type> x) : h(x) {} Gen(Gen &&o) : h(std::exchange(o.h, {})) {} ~Gen() { if (h) h.destroy(); } bool next() { h.resume(); if (h.promise().e) std::rethrow_exception(h.promise().e); return !h.done(); } T get() { return *h.promise().v; } };
Gen<int> iota(int n) { for (int i = 0; i < n; i++) co_yield i; }
Gen<std::string> strs(std::vector<std::string> v) { for (auto &s : v) { std::string t = s + "!"; co_yield t; } }
Gen<std::optional<double>> od(Gen<int> g) { while (g.next()) { int k = g.get(); if (k & 1) co_yield std::optional<double>(k); else co_yield std::nullopt; } }
struct Task { struct promise_type { int r; std::coroutine_handle<> c; Task get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; } std::suspend_always initial_suspend() { return {}; } struct F { bool await_ready() noexcept { return false; } std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> h) noexcept { return h.promise().c ? h.promise().c : std::noop_coroutine(); } void await_resume() noexcept {} }; F final_suspend() noexcept { return {}; } void return_value(int x) { r = x; } void unhandled_exception() { std::terminate(); } }; std::coroutine_handle<promise_type> h; bool await_ready() { return false; } auto await_suspend(std::coroutine_handle<> c) { h.promise().c = c; return h; } int await_resume() { return h.promise().r; } };
Task leaf(int x) { if (x > 3) co_return 1; co_return x; }
Task root(int x) { int s = 0; for (int i = 0; i < x; i++) s += co_await leaf(i); std::string q(s, 'x'); co_return s + co_await leaf(q.size()); }
int sum(std::span<const int> s) { int t = 0; for (int x : s | std::views::filter([](int a) { return a & 1; }) | std::views::transform([](int a) { return a * 2; }) | std::views::take(3)) t += x; return t; }
struct D { int a; double b; std::string c; auto operator<=>(const D &) const = default; };
std::partial_ordering cmp(const D &a, const D &b) { return a <=> b; }
std::pmr::vector<std::pmr::string> pv(std::pmr::memory_resource *m) { std::pmr::monotonic_buffer_resource r(100, m); std::pmr::vector<std::pmr::string> v(&r); v.emplace_back("abc"); return v; }
std::vector<std::string> join(std::vector<std::vector<std::string>> v) { std::vector<std::string> r; for (auto &&x : v | std::views::join) r.push_back(x); for (auto p : std::string_view("a,b") | std::views::split(',')) r.emplace_back(p.begin(), p.end()); return r; }
