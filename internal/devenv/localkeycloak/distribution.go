package localkeycloak

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"entree/internal/devenv/child"
	"entree/internal/devenv/maven"
)

// Version is the Keycloak version that the project is tested with.
const Version = "26.7.4"

// archive is the distribution as Maven Central served it on 2026-11-23; its
// SHA-1 matched the .sha1 file beside it.
var archive = maven.File{Coordinates: "org.keycloak:keycloak-quarkus-dist:" + Version + ":tar.gz", SHA256: "04823c336b797a7e18889a44262a7a64e6bf624cbbcc518c85e2622176ff2eee"}

// findHome returns a distribution in the cache, unpacked and built.
func findHome(ctx context.Context, o Options, java string) (string, error) {
	cache, err := maven.Cache()
	if err != nil {
		return "", err
	}
	given, name := o.Home, "keycloak-"+Version
	if given == "" {
		given = o.Getenv("KEYCLOAK_HOME")
	}
	if given != "" {
		if name, err = nameOf(given); err != nil {
			return "", err
		}
	}
	if o.Database != "" {
		name += "-" + o.kind()
	}
	return maven.Keep(cache, name, func(work, fresh string) error {
		if given != "" {
			if err := os.CopyFS(fresh, os.DirFS(given)); err != nil { // the given distribution is not changed
				return err
			}
		} else if err := fetch(ctx, work, fresh, cache, o.Out); err != nil {
			return err
		}
		return build(ctx, java, fresh, o)
	})
}

func fetch(ctx context.Context, work, to, cache string, out io.Writer) error {
	err := maven.Program{Name: "Keycloak " + Version, Files: []maven.File{archive}, Size: 176_451_297}.Fetch(ctx, work, out)
	if errors.Is(err, maven.ErrNoClient) {
		return fmt.Errorf("there is no Keycloak %s here. Any of these will do:\n"+
			"  - unpack it anywhere and name the folder by --keycloak-home or KEYCLOAK_HOME\n"+
			"  - %w, which fetches %s\n"+
			"It is then kept in %s", Version, err, archive.Coordinates, cache)
	}
	if err != nil {
		return err
	}
	return maven.Untar(filepath.Join(work, archive.Name()), to)
}

// nameOf returns the name of a given distribution in the cache.
func nameOf(given string) (string, error) {
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
	return "keycloak-given-" + hex.EncodeToString(sum[:6]), nil
}

// build prepares a distribution for quick starts with the options that are the
// same at each start.
func build(ctx context.Context, java, home string, o Options) error {
	fmt.Fprintln(o.Out, "Building Keycloak, once …")
	cmd := command(java, home, nil, "build", "--db="+o.kind(), "--health-enabled=true", "--metrics-enabled=false")
	said, err := child.Run(ctx, cmd)
	if err != nil {
		return fmt.Errorf("build Keycloak: %w\n%s", err, said)
	}
	return nil
}
