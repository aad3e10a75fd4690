package maven

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"encoding/xml"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAFileThatIsAnotherIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "cas-1.war"), []byte("not a war"), 0o644); err != nil {
		t.Fatal(err)
	}
	f := File{"org.example:cas:1:war", strings.Repeat("0", 64)}
	if err := f.check(dir); err == nil || !strings.Contains(err.Error(), "it is not the file that the project knows") {
		t.Errorf("%v", err)
	}
	f.SHA256 = "a0ef16a8278061b10faed1b1da76ee4deb54a8c92bcd47fad4237f130da550a0"
	if err := f.check(dir); err != nil {
		t.Errorf("the file itself: %v", err)
	}
}

func TestWhatMavenIsAskedFor(t *testing.T) {
	var read struct {
		Items []struct {
			Group   string `xml:"groupId"`
			Name    string `xml:"artifactId"`
			Version string `xml:"version"`
			Kind    string `xml:"type"`
		} `xml:"build>plugins>plugin>configuration>artifactItems>artifactItem"`
	}
	p := Program{Files: []File{{Coordinates: "org.example:a:1:tar.gz"}, {Coordinates: "org.example.b:b:2"}}}
	if err := xml.Unmarshal([]byte(p.project("/x")), &read); err != nil {
		t.Fatal(err)
	}
	if len(read.Items) != 2 || read.Items[0].Kind != "tar.gz" || read.Items[1].Kind != "jar" || read.Items[1].Group != "org.example.b" || read.Items[1].Version != "2" {
		t.Errorf("%+v", read.Items)
	}
	if p.Files[0].Name() != "a-1.tar.gz" || p.Files[1].Name() != "b-2.jar" {
		t.Errorf("%s, %s", p.Files[0].Name(), p.Files[1].Name())
	}
}

// Each folder is made once, and a failure leaves nothing.
func TestKeep_OnceAndWhole(t *testing.T) {
	cache := filepath.Join(t.TempDir(), "cache")
	made := 0
	fill := func(_, fresh string) error {
		made++
		return os.MkdirAll(fresh, 0o755)
	}
	broken := errors.New("broken")
	if _, err := Keep(cache, "a-1", func(_, fresh string) error { return errors.Join(fill("", fresh), broken) }); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	if left, err := os.ReadDir(cache); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	for range 2 {
		if home, err := Keep(cache, "a-1", fill); err != nil || home != filepath.Join(cache, "a-1") {
			t.Errorf("%s, %v", home, err)
		}
	}
	if made != 2 {
		t.Errorf("made %d times", made)
	}
	// A concurrent start finishes while this one runs.
	home, err := Keep(cache, "b-1", func(_, fresh string) error {
		_, err := Keep(cache, "b-1", fill)
		return errors.Join(err, fill("", fresh))
	})
	if err != nil || home != filepath.Join(cache, "b-1") {
		t.Errorf("%s, %v", home, err)
	}
}

// Only files of the given folder are unpacked, and none outside the target.
func TestUnzip_StaysInside(t *testing.T) {
	archive, to := filepath.Join(t.TempDir(), "a.war"), t.TempDir()
	f, err := os.Create(archive)
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(f)
	for _, name := range []string{"WEB-INF/lib/", "WEB-INF/lib/a.jar", "WEB-INF/lib/../../b.jar", "WEB-INF/lib/sub/c.jar", "WEB-INF/classes/d"} {
		if _, err := w.Create(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	if err := Unzip(archive, "WEB-INF/lib/", to); err != nil {
		t.Fatal(err)
	}
	found, err := os.ReadDir(to)
	if err != nil || len(found) != 1 || found[0].Name() != "a.jar" {
		t.Errorf("%v, %v", found, err)
	}
}

func TestUntar_StaysInside(t *testing.T) {
	pack := func(headers ...tar.Header) string {
		t.Helper()
		archive := filepath.Join(t.TempDir(), "a.tar.gz")
		f, err := os.Create(archive)
		if err != nil {
			t.Fatal(err)
		}
		z := gzip.NewWriter(f)
		w := tar.NewWriter(z)
		for _, h := range headers {
			if err := w.WriteHeader(&h); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(w.Close(), z.Close(), f.Close()); err != nil {
			t.Fatal(err)
		}
		return archive
	}
	to := t.TempDir()
	if err := Untar(pack(tar.Header{Name: "a-1/", Typeflag: tar.TypeDir}, tar.Header{Name: "a-1/bin/run", Typeflag: tar.TypeReg, Mode: 0o755}), to); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(to, "bin", "run")); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("%v, %v", info, err)
	}
	for name, h := range map[string]tar.Header{
		"beside": {Name: "a-1/../../b", Typeflag: tar.TypeReg},
		"a link": {Name: "a-1/c", Typeflag: tar.TypeSymlink, Linkname: "/etc"},
	} {
		if err := Untar(pack(h), t.TempDir()); err == nil {
			t.Errorf("%s was unpacked", name)
		}
	}
}
