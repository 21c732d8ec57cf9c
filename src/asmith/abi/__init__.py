"""What follows from an interface for x86-64 assembly: places, names, banners."""
