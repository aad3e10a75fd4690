// Package maven downloads programs from Maven Central with the Maven client,
// verifies their files against hashes in the source code, and stores the result
// in the user's cache.
//
//	Keep ── there? ──▶ its folder
//	          │ no
//	          └──▶ make: Fetch, unpack, build ──▶ moved into its place, whole
package maven

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"entree/internal/devenv/child"
)

const copyPlugin = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"

// File is one file on Maven Central.
type File struct {
	Coordinates string // group:name:version[:type]
	SHA256      string
}

func (f File) parts() (group, name, version, kind string) {
	p := append(strings.Split(f.Coordinates, ":"), "jar")
	return p[0], p[1], p[2], p[3]
}

// Name returns the file name.
func (f File) Name() string {
	_, name, version, kind := f.parts()
	return name + "-" + version + "." + kind
}

// Program is a program with its files.
type Program struct {
	Name  string // with the version
	Files []File
	Size  int64 // total size in bytes, approximately
}

// Cache returns the folder of all cached programs.
func Cache() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder: %w", err)
	}
	return filepath.Join(dir, "entree"), nil
}

// Keep returns a folder of the cache. If it does not exist, make fills it: make
// gets a temporary work folder and the path of the new folder inside it. The
// new folder is renamed when it is complete, so that an interrupted or
// concurrent start never sees a partial one.
func Keep(cache, name string, make func(work, fresh string) error) (string, error) {
	home := filepath.Join(cache, name)
	ready := filepath.Join(home, "entree-ready")
	if _, err := os.Stat(ready); err == nil {
		return home, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(cache, "unpack-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	fresh := filepath.Join(work, name)
	if err := make(work, fresh); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(fresh, "entree-ready"), nil, 0o644); err != nil {
		return "", err
	}
	if err := os.Rename(fresh, home); err != nil {
		if _, done := os.Stat(ready); done == nil {
			return home, nil // a concurrent start was first
		}
		return "", err
	}
	return home, nil
}

// ErrNoClient is returned if the Maven client is not installed.
var ErrNoClient = errors.New("install the Maven client (on Debian: apt-get install maven)")

// Fetch downloads a program's files into a folder, shows a progress bar on out,
// and verifies the hashes.
func (p Program) Fetch(ctx context.Context, to string, out io.Writer) error {
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return ErrNoClient
	}
	pom := filepath.Join(to, "pom.xml")
	if err := os.WriteFile(pom, []byte(p.project(to)), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(out, "Fetching %s by the Maven client, once (%d MB) …\n", p.Name, p.Size/1_000_000)
	bars := mpb.NewWithContext(ctx, mpb.WithOutput(out), mpb.WithWidth(48))
	bar := bars.AddBar(p.Size,
		mpb.PrependDecorators(decor.Name("fetch "+p.Name, decor.WC{W: 24, C: decor.DindentRight})),
		mpb.AppendDecorators(decor.CountersKibiByte("% .0f / % .0f")))
	stop := p.follow(bar)
	said, err := child.Run(ctx, exec.Command(mvn, "-B", "-q", "-f", pom, copyPlugin))
	stop()
	if err != nil {
		bar.Abort(true)
		return fmt.Errorf("mvn could not fetch %s: %w\n%s", p.Name, err, said)
	}
	bar.SetCurrent(p.Size) // a bar only ends when its total is reached
	bars.Wait()
	for _, f := range p.Files {
		if err := f.check(to); err != nil {
			return err
		}
	}
	return nil
}

// project returns the Maven project file that copies the files into a folder.
func (p Program) project(to string) string {
	var items strings.Builder
	for _, f := range p.Files {
		group, name, version, kind := f.parts()
		fmt.Fprintf(&items, "<artifactItem><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version><type>%s</type></artifactItem>\n", group, name, version, kind)
	}
	return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>entree</groupId><artifactId>fetched</artifactId><version>1</version><packaging>pom</packaging>
<build><plugins><plugin><artifactId>maven-dependency-plugin</artifactId>
<configuration><outputDirectory>` + to + `</outputDirectory><artifactItems>
` + items.String() + `</artifactItems></configuration></plugin></plugins></build></project>
`
}

// follow updates a bar with the size of the files in Maven's repository.
func (p Program) follow(bar *mpb.Bar) (stop func()) {
	user, err := os.UserHomeDir()
	if err != nil {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(300 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			var sum int64
			for _, f := range p.Files {
				group, name, version, _ := f.parts()
				sum += largest(filepath.Join(user, ".m2", "repository", strings.ReplaceAll(group, ".", "/"), name, version))
			}
			bar.SetCurrent(min(sum, p.Size-1))
		}
	}()
	return func() { close(done) }
}

// largest returns the size of the largest file under dir: the one that is being
// downloaded.
func largest(dir string) (most int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				most = max(most, info.Size())
			}
		}
		return nil
	})
	return most
}

func (f File) check(dir string) error {
	file, err := os.Open(filepath.Join(dir, f.Name()))
	if err != nil {
		return err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != f.SHA256 {
		return fmt.Errorf("%s has the SHA-256 %s, not %s: it is not the file that the project knows", f.Name(), got, f.SHA256)
	}
	return nil
}
