#include <thread>
#include <mutex>
#include <future>
#include <condition_variable>
#include <atomic>
#include <queue>
#include <shared_mutex>
#include <chrono>
#include <functional>
using namespace std::chrono_literals;
struct Pool { std::mutex m; std::condition_variable cv; std::queue<std::function<void()>> q; std::vector<std::thread> t; bool stop = false;
 Pool(int n) { for (int i = 0; i < n; i++) t.emplace_back([this] { for (;;) { std::function<void()> f; { std::unique_lock l(m); cv.wait(l, [this] { return stop || !q.empty(); }); if (stop) return; f = std::move(q.front()); q.pop(); } f(); } }); }
 ~Pool() { { std::lock_guard l(m); stop = true; } cv.notify_all(); for (auto &x : t) x.join(); }
 template <class F> auto add(F f) { auto p = std::make_shared<std::packaged_task<decltype(f())()>>(f); auto r = p->get_future(); { std::lock_guard l(m); q.emplace([p] { (*p)(); }); } cv.notify_one(); return r; } };
int run(int n) { Pool p(4); std::vector<std::future<int>> v; for (int i = 0; i < n; i++) v.push_back(p.add([i] { return i * i; })); int s = 0; for (auto &f : v) s += f.get(); return s; }
int asy(int k) { auto f = std::async(std::launch::async, [k] { std::this_thread::sleep_for(10ms); if (k) throw std::runtime_error("x"); return k; }); if (f.wait_for(1s) == std::future_status::timeout) return -1; return f.get(); }
std::once_flag once; int on() { int v = 0; std::call_once(once, [&] { v = 1; }); return v; }
std::shared_mutex sm; int rd() { std::shared_lock l(sm); std::scoped_lock l2(sm); return 1; }
std::promise<std::string> pr; void setp() { try { pr.set_value("abc"); } catch (...) { pr.set_exception(std::current_exception()); } }
bool timed(std::timed_mutex &m) { if (m.try_lock_for(5ms)) { m.unlock(); return true; } return m.try_lock_until(std::chrono::steady_clock::now() + 2s); }
