package loopback

import "testing"

func TestIsHost(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LocalHost": true, "localhost.": true, "127.0.0.1": true, "127.255.0.9": true, "::1": true, "[::1]": true, "::ffff:127.0.0.1": true,
		"": false, ".": false, "localhost.example": false, "notlocalhost": false, "127.0.0.1:80": false, "127.0.0.1.example": false, "10.0.0.1": false, "0.0.0.0": false, "::": false, "128.0.0.1": false,
	} {
		if got := IsHost(host); got != want {
			t.Errorf("%q: %t", host, got)
		}
	}
}
