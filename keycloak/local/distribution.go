package local

import (
	"archive/tar"
	"compress/gzip"
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

	"entree/internal/child"
)

// Version is the Keycloak that the project is tried with.
const Version = "26.7.4"

// Coordinates name it on Maven Central.
const Coordinates = "org.keycloak:keycloak-quarkus-dist:" + Version + ":tar.gz"

const (
	// archiveSHA256 is of the archive as Maven Central served it on 2026-11-23;
	// its SHA-1 was that of the .sha1 beside it.
	archiveSHA256 = "04823c336b797a7e18889a44262a7a64e6bf624cbbcc518c85e2622176ff2eee"
	archiveSize   = 176_451_297 // bytes
	copyPlugin    = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
)

// findHome gives a distribution in the cache that is unpacked and built.
func findHome(ctx context.Context, o Options, java string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder: %w", err)
	}
	cache = filepath.Join(cache, "entree")
	given := o.Home
	if given == "" {
		given = o.Getenv("KEYCLOAK_HOME")
	}
	home := filepath.Join(cache, "keycloak-"+Version)
	if given != "" {
		if home, err = cacheName(cache, given); err != nil {
			return "", err
		}
	}
	if _, err := os.Stat(filepath.Join(home, "entree-ready")); err == nil {
		return home, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	// Everything is made beside its place and moved there whole, so that a
	// start that was interrupted, or a second one, finds nothing half done.
	work, err := os.MkdirTemp(cache, "unpack-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	fresh := filepath.Join(work, "keycloak")
	if given != "" {
		err = os.CopyFS(fresh, os.DirFS(given)) // theirs is not touched
	} else {
		err = fetchAndUnpack(ctx, work, fresh, cache, o.Out)
	}
	if err != nil {
		return "", err
	}
	if err := build(ctx, java, fresh, o.Out); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(fresh, "entree-ready"), nil, 0o644); err != nil {
		return "", err
	}
	if err := os.Rename(fresh, home); err != nil {
		if _, done := os.Stat(filepath.Join(home, "entree-ready")); done == nil {
			return home, nil // another start was quicker
		}
		return "", err
	}
	return home, nil
}

// cacheName gives the place of a given distribution in the cache.
func cacheName(cache, given string) (string, error) {
	if _, err := os.Stat(filepath.Join(given, "lib", "quarkus-run.jar")); err != nil {
		return "", fmt.Errorf("%s is no unpacked Keycloak: it has no lib/quarkus-run.jar", given)
	}
	full, err := filepath.Abs(given)
	if err != nil {
		return "", err
	}
	version, err := os.ReadFile(filepath.Join(given, "version.txt"))
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append([]byte(full), version...))
	return filepath.Join(cache, "keycloak-given-"+hex.EncodeToString(sum[:6])), nil
}

// build makes Keycloak ready for quick starts with the options that do not
// change from one start to the next.
func build(ctx context.Context, java, home string, out io.Writer) error {
	fmt.Fprintln(out, "Building Keycloak, once …")
	cmd := command(java, home, "build", "--db=dev-file", "--health-enabled=true", "--metrics-enabled=false")
	said, err := child.Run(ctx, cmd)
	if err != nil {
		return fmt.Errorf("build Keycloak: %w\n%s", err, said)
	}
	return nil
}

// fetchAndUnpack gets the archive by the Maven client, checks it and unpacks it.
func fetchAndUnpack(ctx context.Context, work, to, cache string, out io.Writer) error {
	archive := filepath.Join(work, "keycloak-quarkus-dist-"+Version+".tar.gz")
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return fmt.Errorf("there is no Keycloak %s here. Any of these will do:\n"+
			"  - unpack it anywhere and name the folder by --keycloak-home or KEYCLOAK_HOME\n"+
			"  - install the Maven client (on Debian: apt-get install maven), which fetches %s\n"+
			"It is then kept in %s", Version, Coordinates, cache)
	}
	fmt.Fprintf(out, "Fetching Keycloak %s by the Maven client, once (%d MB) …\n", Version, archiveSize/1_000_000)
	bars := mpb.NewWithContext(ctx, mpb.WithOutput(out), mpb.WithWidth(48))
	cmd := exec.Command(mvn, "-B", "-q", copyPlugin, "-Dartifact="+Coordinates, "-DoutputDirectory="+work)
	bar := addBar(bars, "fetch Keycloak "+Version)
	stop := follow(bar, work)
	said, err := child.Run(ctx, cmd)
	stop()
	if err != nil {
		bar.Abort(true)
		return fmt.Errorf("mvn could not fetch %s: %w\n%s", Coordinates, err, said)
	}
	bar.SetCurrent(archiveSize)
	err = unpackChecked(archive, to, addBar(bars, "unpack"))
	bars.Wait()
	return err
}

func addBar(bars *mpb.Progress, name string) *mpb.Bar {
	return bars.AddBar(archiveSize,
		mpb.PrependDecorators(decor.Name(name, decor.WC{W: 24, C: decor.DindentRight})),
		mpb.AppendDecorators(decor.CountersKibiByte("% .0f / % .0f")))
}

// follow moves a bar with the size of what Maven has written so far, in its own
// repository first and then in the folder asked for.
func follow(bar *mpb.Bar, work string) (stop func()) {
	places := []string{work}
	if home, err := os.UserHomeDir(); err == nil {
		places = append(places, filepath.Join(home, ".m2", "repository", "org", "keycloak", "keycloak-quarkus-dist", Version))
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
			var largest int64
			for _, place := range places {
				_ = filepath.WalkDir(place, func(_ string, d fs.DirEntry, err error) error {
					if err == nil && strings.Contains(d.Name(), ".tar.gz") {
						if info, err := d.Info(); err == nil {
							largest = max(largest, info.Size())
						}
					}
					return nil
				})
			}
			bar.SetCurrent(min(largest, archiveSize-1))
		}
	}()
	return func() { close(done) }
}

// unpackChecked unpacks the archive while it is hashed, and keeps nothing of it
// if the hash is another.
func unpackChecked(archive, to string, bar *mpb.Bar) (err error) {
	defer func() {
		if err != nil {
			bar.Abort(true)
			err = errors.Join(err, os.RemoveAll(to))
		}
	}()
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	hashed := io.TeeReader(bar.ProxyReader(f), sum)
	unzip, err := gzip.NewReader(hashed)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(archive), err)
	}
	if err := untar(unzip, to); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(archive), err)
	}
	if _, err := io.Copy(io.Discard, hashed); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != archiveSHA256 {
		return fmt.Errorf("%s has the SHA-256 %s, not %s: it is not the archive that the project knows", filepath.Base(archive), got, archiveSHA256)
	}
	bar.SetTotal(-1, true)
	return nil
}

// untar unpacks without the archive's first folder. Names that would leave the
// target, and anything but files and folders, are refused.
func untar(r io.Reader, to string) error {
	root, err := openRoot(to)
	if err != nil {
		return err
	}
	defer root.Close()
	for in := tar.NewReader(r); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		_, name, _ := strings.Cut(strings.TrimPrefix(h.Name, "./"), "/")
		if name == "" {
			continue
		}
		switch h.Typeflag {
		case tar.TypeDir:
			err = root.MkdirAll(name, 0o755)
		case tar.TypeReg:
			err = writeFile(root, name, in, h.FileInfo().Mode().Perm())
		default:
			err = fmt.Errorf("%s is neither a file nor a folder", h.Name)
		}
		if err != nil {
			return err
		}
	}
}

func openRoot(to string) (*os.Root, error) {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return nil, err
	}
	return os.OpenRoot(to)
}

func writeFile(root *os.Root, name string, r io.Reader, mode fs.FileMode) error {
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode|0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}
