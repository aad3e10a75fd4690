package maven

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Untar unpacks a .tar.gz without its first folder. It refuses names that would
// leave the target, and entries that are neither files nor folders.
func Untar(archive, to string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	unzip, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(archive), err)
	}
	root, err := openRoot(to)
	if err != nil {
		return err
	}
	defer root.Close()
	for in := tar.NewReader(unzip); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(archive), err)
		}
		_, name, _ := strings.Cut(strings.TrimPrefix(h.Name, "./"), "/")
		if name == "" {
			continue
		}
		switch h.Typeflag {
		case tar.TypeDir:
			err = root.MkdirAll(name, 0o755)
		case tar.TypeReg:
			err = write(root, name, in, h.FileInfo().Mode().Perm())
		default:
			err = fmt.Errorf("%s is neither a file nor a folder", h.Name)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(archive), err)
		}
	}
}

// Unzip unpacks the files of one folder of an archive, such as "a/b/".
func Unzip(archive, folder, to string) error {
	r, err := zip.OpenReader(archive)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(archive), err)
	}
	defer r.Close()
	root, err := openRoot(to)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, f := range r.File {
		name, inside := strings.CutPrefix(f.Name, folder)
		if !inside || name == "" || strings.Contains(name, "/") {
			continue
		}
		in, err := f.Open()
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(archive), err)
		}
		err = errors.Join(write(root, name, in, 0o644), in.Close())
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(archive), err)
		}
	}
	return nil
}

func openRoot(to string) (*os.Root, error) {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return nil, err
	}
	return os.OpenRoot(to)
}

func write(root *os.Root, name string, r io.Reader, mode fs.FileMode) error {
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
