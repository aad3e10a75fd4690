package bounce

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Folder is a maildir. Messages are moved from new to cur, marked as read.
type Folder struct{ Dir string }

// Each passes every message under new to see.
func (f Folder) Each(ctx context.Context, limit int, see func(raw []byte) error) error {
	root, err := os.OpenRoot(f.Dir) // symbolic links out of the folder are not followed
	if err != nil {
		return fmt.Errorf("bounce: %w", err)
	}
	defer root.Close()
	fresh, err := root.Open("new")
	if err != nil {
		return fmt.Errorf("bounce: %s is no maildir: %w", f.Dir, err)
	}
	defer fresh.Close()
	names, err := fresh.Readdirnames(limit)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("bounce: %w", err)
	}
	if err := root.Mkdir("cur", 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("bounce: %w", err)
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		raw, err := readMessage(root, filepath.Join("new", name))
		if err != nil {
			return fmt.Errorf("bounce: %w", err)
		}
		if err := see(raw); err != nil {
			return err
		}
		if err := root.Rename(filepath.Join("new", name), filepath.Join("cur", name+":2,S")); err != nil {
			return fmt.Errorf("bounce: %w", err)
		}
	}
	return nil
}

func readMessage(root *os.Root, name string) ([]byte, error) {
	file, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxMessage))
}
