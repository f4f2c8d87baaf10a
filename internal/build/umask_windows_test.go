package build_test

// umask does nothing: Windows has no such thing.
func umask(int) int { return 0 }
