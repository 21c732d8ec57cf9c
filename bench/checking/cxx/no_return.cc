#include <string>
#include <vector>
#include <stdexcept>
[[noreturn]] void die(int, const std::string &); [[noreturn]] void die2(const char *);
int ext(int);
int a1(int a, std::vector<int> &v) { std::string s = std::to_string(a); if (a > 3) die(a, s); if (v.empty()) die2("x"); int t = 0; for (int x : v) { if (x == a) die(x, s + "q"); t += ext(x); if (t > 99) throw std::range_error(s); if (t == 7) die2(s.c_str()); } return t + v.at(2); }
struct R { int *p; ~R() { ext(*p); } };
int a2(int a, int *p) { R r{p}; if (a == 1) die2("a"); if (a == 2) { std::string q("abc"); die(a, q); } if (a == 3) throw 3; if (a > 100) die2("b"); return ext(a) * p[a]; }
int a3(int a, const std::string &s) { switch (a) { case 1: die(1, s); case 2: die2("2"); case 3: return ext(3); case 4: die(4, s + "4"); case 5: return ext(a) + ext(s.size()); case 6: die2("6"); } return s[a]; }
