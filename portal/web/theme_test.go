package web

import (
	"strings"
	"testing"
)

func TestThemeThatCannotBeReadIsAnError(t *testing.T) {
	for _, tt := range []struct{ theme, says string }{
		{"#777777 #ffffff", "4.5:1"}, {"#0b5d4e #333333", "dark pages"}, {"teal #ffffff", "want a colour"},
		{"#fff #ffffff", "want a colour"}, {"#0b5d4e }*{x:y", "want a colour"}, {" #ffffff", "want a colour"},
	} {
		accent, dark, _ := strings.Cut(tt.theme, " ")
		if css, err := (Theme{accent, dark}).CSS(); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("theme %q: %s, %v; want an error with %q", tt.theme, css, err, tt.says)
		}
	}
}

func TestAcceptsGzip(t *testing.T) {
	for header, want := range map[string]bool{
		"gzip": true, "br, GZIP;q=0.5": true, "gzip;q=1.0": true, "gzip; q=0.001": true,
		"": false, "br": false, "gzip;q=0": false, "gzip; q=0.000": false, "x-gzip-not": false,
	} {
		if got := acceptsGzip(header); got != want {
			t.Errorf("Accept-Encoding %q: %t, want %t", header, got, want)
		}
	}
}
