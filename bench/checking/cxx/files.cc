#include <filesystem>
#include <iostream>
#include <fstream>
#include <sstream>
#include <iomanip>
#include <algorithm>
#include <numeric>
#include <charconv>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <set>
#include <deque>
#include <list>
#include <array>
#include <complex>
#include <random>
#include <locale>
#include <chrono>
#include <bitset>
namespace fs = std::filesystem;
std::uintmax_t total(const fs::path &p) { std::uintmax_t n = 0; for (auto &e : fs::recursive_directory_iterator(p)) { std::error_code ec; if (e.is_regular_file(ec)) n += e.file_size(); } return n; }
fs::path mkp(std::string_view a, const char *b) { fs::path p(a); p /= b; p.replace_extension(".x"); for (auto &q : p) if (q == "..") return {}; return p.lexically_normal(); }
bool cp(const fs::path &a, const fs::path &b) { std::error_code ec; auto t = fs::last_write_time(a, ec); auto s = fs::space(b); auto st = fs::status(a); return fs::copy_file(a, b, fs::copy_options::overwrite_existing, ec) && s.free > 10 && st.type() == fs::file_type::regular && t.time_since_epoch().count(); }
int rd(const char *f) { std::ifstream i(f); std::string l; std::unordered_map<std::string, int> m; while (std::getline(i, l)) { std::istringstream s(l); std::string w; while (s >> w) ++m[w]; } int k = 0; for (auto &[a, b] : m) { std::cout << std::setw(10) << std::hex << a << ' ' << b << '\n'; k = std::max(k, b); } return k; }
std::string num(double d, long l) { char b[64]; auto r = std::to_chars(b, b + 64, d); if (r.ec != std::errc{}) return {}; auto q = std::to_chars(r.ptr, b + 64, l, 16); return {b, q.ptr}; }
long par(std::string_view s) { long v = 0; auto [p, e] = std::from_chars(s.data(), s.data() + s.size(), v); double d; std::from_chars(p, s.data() + s.size(), d); if (e == std::errc::invalid_argument) throw std::system_error(std::make_error_code(e)); return v + d; }
int lower(const char *s) { std::size_t n; int a = std::stoi(s, &n); return a + std::stod(s) + std::stoul(s, nullptr, 16); }
std::vector<int> srt(std::vector<int> v) { std::stable_sort(v.begin(), v.end()); std::sort(v.begin(), v.end(), [](int a, int b) { return a > b; }); v.erase(std::unique(v.begin(), v.end()), v.end()); std::nth_element(v.begin(), v.begin() + v.size() / 2, v.end()); std::shuffle(v.begin(), v.end(), std::mt19937{std::random_device{}()}); return v; }
std::deque<std::pair<int, std::string>> dq(int n) { std::deque<std::pair<int, std::string>> d; for (int i = 0; i < n; i++) d.push_front({i, "x"}); std::sort(d.begin(), d.end()); std::rotate(d.begin(), d.begin() + 1, d.end()); return d; }
std::set<std::tuple<int, char, double>> st(int n) { std::set<std::tuple<int, char, double>> s; for (int i = 0; i < n; i++) s.insert({i, 'a', .5}); return s; }
std::list<std::array<char, 3>> ls(std::array<char, 3> a) { std::list<std::array<char, 3>> l{a, a}; l.sort(); l.splice(l.begin(), l, std::prev(l.end())); return l; }
std::complex<double> cx(std::complex<double> a, std::complex<float> b) { return std::pow(a, std::complex<double>(b)) / a; }
double rnd(unsigned s) { std::mt19937_64 g(s); std::normal_distribution<double> n(0, 1); std::uniform_int_distribution<int> u(1, 6); std::discrete_distribution<int> dd{1, 2, 3}; return n(g) + u(g) + dd(g) + std::gamma_distribution<float>(2)(g); }
std::ostream &out(std::ostream &o, std::bitset<70> b, long double l) { return o << b << std::fixed << l << std::put_time(nullptr, "%c") << std::quoted("a"); }
