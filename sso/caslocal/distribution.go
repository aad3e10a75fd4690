package caslocal

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	_ "embed"
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

// Version is the CAS that the project is tried with: the newest on Maven
// Central.
const Version = "7.0.0"

// artifact is a file on Maven Central.
type artifact struct {
	coordinates string // group:name:version[:type]
	sha256      string // as Maven Central served it on 2026-11-26
}

func (a artifact) parts() (group, name, version, kind string) {
	p := append(strings.Split(a.coordinates, ":"), "jar")
	return p[0], p[1], p[2], p[3]
}

func (a artifact) file() string {
	_, name, version, kind := a.parts()
	return name + "-" + version + "." + kind
}

var war = artifact{"org.apereo.cas:cas-server-webapp-tomcat:" + Version + ":war", "5a39aa795f04023a7cd57e14b08c42527b0ed28edf05484eda1423380b8bbffd"}

// delegation are the modules by which CAS hands a login on to Keycloak, and what
// their classes name. Central has no POM of theirs to find these by.
var delegation = []artifact{
	{"org.apereo.cas:cas-server-support-pac4j-api:7.0.1", "f9d1b96d7f465281dc313253882f08ac20e3bd4bab399147dcc47df69ee8c632"},
	{"org.apereo.cas:cas-server-support-pac4j-core:7.0.1", "b23e01ba6ff209134d8b09fe03cea2b97b7e140d4e4613cabe861ed7904b1256"},
	{"org.apereo.cas:cas-server-support-pac4j-core-clients:7.0.1", "27f529c92310f6c7b417e00b164fc163067806773c5237901c5c963b6ca6f28f"},
	{"org.apereo.cas:cas-server-support-pac4j-webflow:7.0.1", "c4cd71550323361229290e42adc0b20eec7539415d0d077a86a253ee676f9949"},
	{"org.pac4j:jakartaee-pac4j:8.0.0", "a0992bf8ae0baa479047a25517d2bcb6d964778622547f7f9e13e44201b69347"},
	{"org.pac4j:pac4j-cas:6.0.0", "16a68b3e30ba1d623878f083aa42c0a13366248d4e36ed2ccb5a1e36255b042f"},
	{"org.pac4j:pac4j-core:6.0.0", "1ae9e3776c5c426dccaa9419009942384d26e0a27f5e0616bf7b41a8dcb47557"},
	{"org.pac4j:pac4j-jakartaee:6.0.0", "93f8e21ff61319588729b31ce2ad185b0eff908be694acd10f2a5f0cc6620b72"},
	{"org.pac4j:pac4j-oauth:6.0.0", "64a65d6f878ba3ecdfcff19f15374a8c8e327f9a82c85cca2906cb8dc404f7f9"},
	{"org.pac4j:pac4j-oidc:6.0.0", "c69fb2796e88a4e951d27ce626483c19fd30ece51097d407b7a38729e9b17a45"},
	{"org.pac4j:pac4j-saml:6.0.0", "84cc76a312653b8d8f796423085441100cd0cde948321ddc0e499897b3db96d0"},
	{"org.opensaml:opensaml-saml-api:4.0.1", "378814892eab03403350b7e710d0d5c0d15bb40e16f8e3ac97332479c4645b95"},
	{"com.github.scribejava:scribejava-core:8.3.3", "b21eacc12983b0de585b05ef307b35f012e48f2898a4acdba529bbb0d379c443"},
}

// The delegation's SAML part wants OpenSAML 5, which Central does not have.
// Nothing of it is used; one bean of a class that is not there keeps CAS from
// starting. The stub is that class and that bean. It is compiled by the Groovy
// compiler that CAS brings along, because a Java without a compiler has to do.
//
//go:embed stub.groovy
var stub []byte

//go:embed beans.xml
var beans []byte

const (
	copyPlugin   = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
	fetchSize    = 111_700_000 // bytes, about
	groovyInside = "groovy-4.*.jar"
)

// findHome gives CAS unpacked in the cache.
func findHome(ctx context.Context, java, cache string, out io.Writer) (string, error) {
	home := filepath.Join(cache, "cas-"+Version)
	ready := filepath.Join(home, "entree-ready")
	if _, err := os.Stat(ready); err == nil {
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
	fresh := filepath.Join(work, "cas")
	if err := fetch(ctx, work, cache, out); err != nil {
		return "", err
	}
	if err := lay(ctx, work, fresh, java); err != nil {
		return "", err
	}
	if err := os.Rename(fresh, home); err != nil {
		if _, done := os.Stat(ready); done == nil {
			return home, nil // another start was quicker
		}
		return "", err
	}
	return home, nil
}

// fetch gets all files by the Maven client and checks them.
func fetch(ctx context.Context, work, cache string, out io.Writer) error {
	all := append([]artifact{war}, delegation...)
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return fmt.Errorf("there is no CAS %s here: install the Maven client (on Debian: apt-get install maven), which fetches %s and %d files for it; it is then kept in %s",
			Version, war.coordinates, len(delegation), cache)
	}
	pom := filepath.Join(work, "pom.xml")
	if err := os.WriteFile(pom, []byte(project(all, work)), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(out, "Fetching CAS %s by the Maven client, once (%d MB) …\n", Version, fetchSize/1_000_000)
	bars := mpb.NewWithContext(ctx, mpb.WithOutput(out), mpb.WithWidth(48))
	bar := bars.AddBar(fetchSize,
		mpb.PrependDecorators(decor.Name("fetch CAS "+Version, decor.WC{W: 24, C: decor.DindentRight})),
		mpb.AppendDecorators(decor.CountersKibiByte("% .0f / % .0f")))
	stop := follow(bar, all)
	said, err := child.Run(ctx, exec.Command(mvn, "-B", "-q", "-f", pom, copyPlugin))
	stop()
	if err != nil {
		bar.Abort(true)
		return fmt.Errorf("mvn could not fetch CAS: %w\n%s", err, said)
	}
	bar.SetCurrent(fetchSize) // a bar ends where its total is reached, and in no other way
	bars.Wait()
	for _, a := range all {
		if err := check(filepath.Join(work, a.file()), a.sha256); err != nil {
			return err
		}
	}
	return nil
}

// project is what the Maven client reads: files to copy into a folder.
func project(all []artifact, to string) string {
	var items strings.Builder
	for _, a := range all {
		group, name, version, kind := a.parts()
		fmt.Fprintf(&items, "<artifactItem><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version><type>%s</type></artifactItem>\n", group, name, version, kind)
	}
	return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>entree</groupId><artifactId>cas</artifactId><version>1</version><packaging>pom</packaging>
<build><plugins><plugin><artifactId>maven-dependency-plugin</artifactId>
<configuration><outputDirectory>` + to + `</outputDirectory><artifactItems>
` + items.String() + `</artifactItems></configuration></plugin></plugins></build></project>
`
}

// follow moves a bar with the size of what Maven has in its own repository.
func follow(bar *mpb.Bar, all []artifact) (stop func()) {
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
			for _, a := range all {
				group, name, version, _ := a.parts()
				var largest int64
				_ = filepath.WalkDir(filepath.Join(user, ".m2", "repository", strings.ReplaceAll(group, ".", "/"), name, version), func(_ string, d fs.DirEntry, err error) error {
					if err == nil && d.Type().IsRegular() {
						if info, err := d.Info(); err == nil {
							largest = max(largest, info.Size())
						}
					}
					return nil
				})
				sum += largest
			}
			bar.SetCurrent(min(sum, fetchSize-1))
		}
	}()
	return func() { close(done) }
}

func check(file, want string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		return fmt.Errorf("%s has the SHA-256 %s, not %s: it is not the file that the project knows", filepath.Base(file), got, want)
	}
	return nil
}

// lay unpacks the war and puts beside it what it lacks.
func lay(ctx context.Context, work, fresh, java string) error {
	if err := unzip(filepath.Join(work, war.file()), "WEB-INF/lib/", fresh); err != nil {
		return fmt.Errorf("%s: %w", war.file(), err)
	}
	for _, a := range delegation {
		if err := os.Rename(filepath.Join(work, a.file()), filepath.Join(fresh, a.file())); err != nil {
			return err
		}
	}
	source := filepath.Join(work, "stub.groovy")
	groovy, err := filepath.Glob(filepath.Join(fresh, groovyInside))
	if err != nil || len(groovy) != 1 {
		return fmt.Errorf("%s holds %d Groovy compilers: %w", war.file(), len(groovy), err)
	}
	err = errors.Join(os.WriteFile(source, stub, 0o644), os.MkdirAll(filepath.Join(fresh, "stub"), 0o755),
		os.WriteFile(filepath.Join(fresh, "stub", "entree-beans.xml"), beans, 0o644))
	if err != nil {
		return err
	}
	said, err := child.Run(ctx, exec.Command(java, "-cp", groovy[0], "org.codehaus.groovy.tools.FileSystemCompiler", "-d", filepath.Join(fresh, "stub"), source))
	if err != nil {
		return fmt.Errorf("compile the stub: %w\n%s", err, said)
	}
	return os.WriteFile(filepath.Join(fresh, "entree-ready"), nil, 0o644)
}

// unzip unpacks the files of one folder of an archive into another one.
func unzip(archive, folder, to string) error {
	r, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(to)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, f := range r.File {
		name, inside := strings.CutPrefix(f.Name, folder)
		if !inside || name == "" || strings.Contains(name, "/") {
			continue
		}
		if err := unzipOne(root, name, f); err != nil {
			return err
		}
	}
	return nil
}

func unzipOne(root *os.Root, name string, f *zip.File) error {
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = io.CopyN(out, in, int64(f.UncompressedSize64)) // of an archive whose hash was checked
	return errors.Join(err, out.Close())
}
