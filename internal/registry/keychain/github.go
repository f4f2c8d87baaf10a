package keychain

import "context"

// githubSource is the token that GitHub gives each workflow, for GitHub's registry.
// See https://docs.github.com/packages/working-with-a-github-packages-registry/working-with-the-container-registry.
var githubSource = source{
	name:    "GITHUB_TOKEN, GH_TOKEN",
	applies: func(host string) bool { return host == "ghcr.io" },
	get: func(_ context.Context, k *Keychain, _ target) (Credentials, string, error) {
		for _, variable := range []string{"GITHUB_TOKEN", "GH_TOKEN"} {
			if token := k.env(variable); token != "" {
				user := k.env("GITHUB_ACTOR")
				if user == "" {
					user = "token" // the registry looks at the token only, but wants some name
				}
				return Credentials{Username: user, Password: token}, "", nil
			}
		}
		return Credentials{}, "not set", nil
	},
}
