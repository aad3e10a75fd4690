package colour_test

import (
	"math"
	"os"
	"strings"
	"testing"

	"entree/internal/colour"
)

func TestContrast(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want float64
	}{{"#000000", "#ffffff", 21}, {"#ffffff", "#ffffff", 1}, {"#767676", "#ffffff", 4.54}, {"#ffffff", "#0000ff", 8.59}} {
		if got, err := colour.Contrast(c.a, c.b); err != nil || math.Abs(got-c.want) > 0.01 {
			t.Errorf("%s on %s: %.2f, %v; want %.2f", c.a, c.b, got, err, c.want)
		}
	}
	for _, bad := range []string{"", "#", "blue", "#12345", "#1234567", "#gggggg", "1f4fa3x"} {
		if err := colour.Readable(bad, colour.LightGround); err == nil {
			t.Errorf("%q is taken for a colour", bad)
		}
	}
}

func TestTheGroundsAreTheStyleSheets(t *testing.T) {
	css, err := os.ReadFile("../../static/app.css")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"--card: #fff;", "--card: " + colour.DarkGround + ";"} {
		if !strings.Contains(string(css), want) {
			t.Errorf("static/app.css has no %q", want)
		}
	}
}
