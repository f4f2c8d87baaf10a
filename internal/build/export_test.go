package build

// OnHost returns the options for a machine of another platform.
func OnHost(opt Options, platform string) Options {
	opt.host = platform
	return opt
}
