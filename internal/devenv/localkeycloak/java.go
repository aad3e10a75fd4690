package localkeycloak

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// oldestJava is the oldest version that Keycloak 26 supports.
const oldestJava = 17

var javaVersion = regexp.MustCompile(`version "((?:1\.)?(\d+)[^"]*)"`)

// findJava returns a java executable that is recent enough, from JAVA_HOME or
// the path, and its version.
func findJava(ctx context.Context, getenv func(string) string) (file, version string, err error) {
	java := "java"
	if home := getenv("JAVA_HOME"); home != "" {
		java = filepath.Join(home, "bin", "java")
	}
	file, err = exec.LookPath(java)
	if err != nil {
		return "", "", fmt.Errorf("Keycloak needs Java %d or later, and there is no %s: install it (on Debian: apt-get install openjdk-17-jre-headless) or set JAVA_HOME", oldestJava, java)
	}
	said, err := exec.CommandContext(ctx, file, "-version").CombinedOutput()
	if err != nil {
		return "", "", fmt.Errorf("%s -version: %w", file, err)
	}
	m := javaVersion.FindSubmatch(said)
	if m == nil {
		return "", "", fmt.Errorf("%s -version says nothing of a version: %.100s", file, said)
	}
	if n, _ := strconv.Atoi(string(m[2])); n < oldestJava {
		return "", "", fmt.Errorf("Keycloak needs Java %d or later; %s is Java %d: set JAVA_HOME to a later one", oldestJava, file, n)
	}
	return file, string(m[1]), nil
}
