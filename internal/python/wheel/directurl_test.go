package wheel

import "testing"

func TestDirectURL(t *testing.T) {
	const rest = `","archive_info":{"hashes":{"sha256":"00"}}}`
	for _, tt := range []struct{ name, url, want string }{
		{"plain", "https://example.org/a%2Fb-1.whl", `{"url":"https://example.org/a%2Fb-1.whl` + rest},
		{"credentials", "https://me:secret@example.org/b-1.whl", `{"url":"https://example.org/b-1.whl` + rest},
		{"a token", "https://token@example.org/b-1.whl", `{"url":"https://example.org/b-1.whl` + rest},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := DirectURL(tt.url, "sha256:00")
			if err != nil || string(got) != tt.want {
				t.Errorf("%s, %v", got, err)
			}
		})
	}
	if _, err := DirectURL("https://me:secret@[/", "sha256:00"); err == nil {
		t.Error("no URL was taken")
	}
}
