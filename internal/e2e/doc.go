// Package e2e shows with real parts what lithe promises: the program itself, real packages from PyPI and Debian, real
// engines, and the tools that others read images with. It has tests only.
//
// They run when LITHE_E2E=1 or CI=true is set, and then fail where something is missing; else each skips with one line.
// They need Linux on amd64, root (to become other users), the network, git, and
//   - a Docker engine at DOCKER_HOST, or at its usual socket, that can publish a port on loopback;
//   - podman, skopeo and umoci, which need no set-up.
//
// LITHE_FULL=1 adds the long version of what is left to chance, 50 interrupted builds in place of 10, and starts images for
// arm64 with Debian's qemu-user-static. Index and mirror settings of the environment apply as for any build. .ci/run provides all of it on a clean Debian.
package e2e
