package config_test

import (
	"testing"
	"time"

	"entree/internal/config"
)

// A simulation divides the windows of the limits that students meet, and no number of
// them. The configuration of a file and of the environment is never compressed.
func TestCompression_DividesWindowsAlone(t *testing.T) {
	c, err := config.Load(sample, given)
	if err != nil {
		t.Fatal(err)
	}
	plain := c.Rates()
	if c.Compression != 0 || c.Compressed(c.Code.Life) != 10*time.Minute || plain.Client.Per != 10*time.Minute {
		t.Errorf("compressed by %d: %+v", c.Compression, plain)
	}
	c.Compression = 60
	fast := c.Rates()
	if c.Compressed(c.Code.Life) != 10*time.Second || fast.Client.Per != 10*time.Second || fast.Client.Burst != plain.Client.Burst || fast.Address.Per != 24*time.Minute || fast.Address.Burst != plain.Address.Burst {
		t.Errorf("%+v", fast)
	}
	if _, err := config.Load(sample, append([]string{"ENTREE_COMPRESSION=60"}, given...)); err == nil {
		t.Error("the environment compresses the windows of production")
	}
}
