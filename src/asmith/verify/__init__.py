"""Tests of generated modules: a pytest plugin that calls them through their contracts."""
