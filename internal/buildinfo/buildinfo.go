// Package buildinfo reports which build of the program runs: version, commit,
// time of the commit, Go version and platform.
//
// The values come from the binary itself. The Makefile sets the version by
// -ldflags, so that a build from a source archive without git has one too.
package buildinfo

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// version is set by -ldflags "-X entree/internal/buildinfo.version=…".
var version string

// Info describes a build.
type Info struct {
	Version  string // such as v0.1.0; "development" if unknown
	Commit   string // full hash; empty if unknown
	Time     string // time of the commit (RFC 3339); empty if unknown
	Modified bool   // the source tree had changes that were not committed
	Go       string // such as go1.26.8
	Platform string // such as linux/amd64
}

// Read returns the description of the running binary.
func Read() Info {
	i := Info{Version: cmp.Or(version, "development"), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return i
	}
	for _, s := range build.Settings {
		switch s.Key {
		case "vcs.revision":
			i.Commit = s.Value
		case "vcs.time":
			i.Time = s.Value
		case "vcs.modified":
			i.Modified = s.Value == "true"
		}
	}
	return i
}

// String returns the description in one line.
func (i Info) String() string {
	parts := []string{i.Version}
	if i.Commit != "" {
		commit := i.Commit[:min(12, len(i.Commit))]
		if i.Modified {
			commit += " with changes"
		}
		parts = append(parts, "commit "+commit)
	}
	if i.Time != "" {
		parts = append(parts, i.Time)
	}
	return fmt.Sprintf("entree %s, %s, %s", strings.Join(parts, ", "), i.Go, i.Platform)
}
