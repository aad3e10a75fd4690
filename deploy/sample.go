package deploy

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// WriteSample writes the sample configuration and its charters into dir. If data
// is not empty, the sample's paths lead there.
func WriteSample(dir, data string) error {
	sample, err := fs.ReadFile(FS, "entree.sample.yaml")
	if err != nil {
		return err
	}
	if data != "" {
		for _, edit := range [][2]string{
			{"\ndatabase: sqlite:entree.db", "\ndatabase: sqlite:" + path.Join(data, "entree.db")},
			{"\n  folder: imports  ", "\n  folder: " + path.Join(data, "imports") + "  "},
		} {
			if bytes.Count(sample, []byte(edit[0])) != 1 {
				return fmt.Errorf("the sample does not hold %q once", edit[0])
			}
			sample = bytes.Replace(sample, []byte(edit[0]), []byte(edit[1]), 1)
		}
	}
	charters, err := fs.Glob(FS, "charter/*.md")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "charter"), 0o755); err != nil { //nolint:gosec // no secrets
		return err
	}
	if err := writeNew(filepath.Join(dir, "entree.yaml"), sample); err != nil {
		return err
	}
	for _, name := range charters {
		text, err := fs.ReadFile(FS, name)
		if err != nil {
			return err
		}
		if err := writeNew(filepath.Join(dir, filepath.FromSlash(name)), text); err != nil {
			return err
		}
	}
	return nil
}

// writeNew writes a file that every user may read. It returns an error if the file
// exists.
func writeNew(name string, text []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // no secrets
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}
