#include <regex>
#include <string>
#include <vector>
int count(const std::string &s, const char *re) {
    std::regex r(re, std::regex::icase); int n = 0;
    for (auto i = std::sregex_iterator(s.begin(), s.end(), r); i != std::sregex_iterator(); ++i) ++n;
    return n;
}
std::string rep(const std::string &s) { static const std::regex r("[a-z]+([0-9]*)"); return std::regex_replace(s, r, "$1"); }
bool m(const std::string &s) { std::smatch x; return std::regex_match(s, x, std::regex("(a|b)*\\1")) && x.size() > 1; }
std::vector<std::string> split(const std::string &s) { std::regex ws("\\s+"); return {std::sregex_token_iterator(s.begin(), s.end(), ws, -1), {}}; }
