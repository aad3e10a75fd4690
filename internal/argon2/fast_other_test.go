//go:build !amd64

package argon2

func setPath(int) {}
