package web

import (
	"math"
	"strings"
	"testing"
)

func TestContrast(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want float64
	}{
		{"#000000", "#ffffff", 21}, {"#ffffff", "#ffffff", 1}, {"#767676", "#ffffff", 4.54}, {"#777777", "#FFFFFF", 4.48},
	} {
		got, err := contrast(tt.a, tt.b)
		if err != nil || math.Abs(got-tt.want) > 0.005 {
			t.Errorf("contrast(%s, %s) = %.3f, %v; want %.2f", tt.a, tt.b, got, err, tt.want)
		}
	}
}

func TestThemeThatCannotBeReadIsAnError(t *testing.T) {
	for _, tt := range []struct{ theme, says string }{
		{"#777777 #ffffff", "4.48"}, {"#0b5d4e #333333", "dark pages"}, {"teal #ffffff", "#rrggbb"},
		{"#fff #ffffff", "#rrggbb"}, {"#0b5d4e }*{x:y", "#rrggbb"}, {" #ffffff", "#rrggbb"},
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
