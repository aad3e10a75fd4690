package portal

import "testing"

// O8: only a portal on this machine shows the demonstration's page.
func TestO8_OnlyTheDemoShowsADemonstration(t *testing.T) {
	for base, want := range map[string]bool{
		"http://127.0.0.1:8080/": true, "http://localhost:8080/": true, "http://[::1]:8080/": true,
		"https://mon-compte.univ.example/": false, "https://10.0.0.1/": false, "": false,
	} {
		if got := isDemo(base); got != want {
			t.Errorf("%q: %v", base, got)
		}
	}
}
