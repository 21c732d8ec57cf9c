#include <regex>
#include <iostream>
#include <string>
int main(int argc, char **argv) {
    std::string s = argv[1];
    std::regex re(argv[2], std::regex::extended | std::regex::icase | std::regex::collate);
    std::smatch m;
    while (std::regex_search(s, m, re)) { for (auto &x : m) std::cout << x << ' '; std::cout << m.prefix() << std::endl; s = m.suffix().str(); }
    std::wregex w(L"([[:alpha:]]+)-(\\d{2,3})", std::regex::ECMAScript | std::regex::nosubs | std::regex::optimize);
    std::wstring t = L"abc-12"; std::wsmatch wm; std::cmatch cm;
    if (std::regex_match(t, wm, w)) std::wcout << wm.format(L"$1");
    try { std::regex_match(argv[2], cm, std::regex("[[.a.][=b=]a-f]*?")); } catch (const std::regex_error &e) { std::cerr << e.code(); }
    return std::regex_replace("a", std::regex("a"), "b").size();
}
