#include <variant>
#include <optional>
#include <any>
#include <functional>
#include <string>
#include <map>
#include <vector>
#include <memory>
#include <tuple>
using V = std::variant<int, double, std::string, std::vector<int>, std::shared_ptr<int>>;
struct P { int a; std::optional<double> d; std::optional<char> c; };
V f(V v, int k) { if (k == 1) return V{2.5}; if (k == 2) return V{std::string("x")}; if (k==3) v = std::vector<int>{1,2,3}; return v; }
double g(const V &v) { return std::visit([](auto &&x) -> double { using T = std::decay_t<decltype(x)>; if constexpr (std::is_arithmetic_v<T>) return x; else return 1; }, v); }
std::optional<std::string> h(std::optional<int> x) { if (x) return std::to_string(*x); return {}; }
std::optional<int> h2(std::optional<short> x, std::optional<long> y) { if (x && y) return *x + *y; if (x) return *x; return std::nullopt; }
P p(int a) { P r{}; r.a = a; if (a > 2) r.d = a; if (a > 3) r.c = 'x'; return r; }
P p2(P a, P b) { return a.d ? a : b; }
std::any any1(int k) { if (k) return std::string("abc"); return 3; }
int any2(std::any a) { if (auto *p = std::any_cast<int>(&a)) return *p; std::any b = a; b = 2.0; std::swap(a, b); return a.has_value(); }
std::function<int(int)> fn(int k, std::string s) { if (k) return [k](int x) { return x + k; }; return [s, k](int x) { return (int)s.size() + x + k; }; }
int call(std::function<int(int)> f, std::function<void(std::string)> g) { g("x"); auto h = f; std::swap(h, f); return h(3); }
struct S { bool operator()(int a, int b) const { return a < b; } };
int fn2(int x) { std::function<int(int)> f = [](int a){ return a; }; std::function<bool(int,int)> c = S{}; return c(1, x) ? f(x) : f(1); }
std::map<std::string, V> mk(int n) { std::map<std::string, V> m; for (int i = 0; i < n; i++) m.emplace(std::to_string(i), i); m["a"] = 2.0; auto it = m.find("1"); if (it != m.end()) m.erase(it); auto [i2, ok] = m.insert({"q", V{}}); return m; }
std::tuple<int, std::optional<int>, std::pair<char, long>> tp(int x) { return {x, x > 1 ? std::optional<int>(x) : std::nullopt, {'a', x}}; }
struct MF { int q(int); virtual int v(int); };
int memfn(MF &m, bool b) { std::function<int(MF&, int)> f; if (b) f = &MF::q; else f = &MF::v; auto g = std::mem_fn(&MF::v); auto bb = std::bind(&MF::q, &m, std::placeholders::_1); return f(m, 2) + g(m, 1) + bb(3); }
std::variant<std::monostate, char, long> small(int k) { switch (k) { case 0: return {}; case 1: return 'c'; default: return 5L; } }
long use(std::variant<std::monostate, char, long> a) { auto b = a; a = small(2); std::swap(a, b); return b.index() + (a.index() == 2 ? std::get<2>(a) : 0); }
