package intake

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"time"

	"entree/internal/domain"
	"entree/internal/registry"
)

// The complete results of a trial are stored beside its file, line by line; the
// file's own record has only the first ones of each kind. The refused lines of an
// import stay for a day after it, so that they can be corrected.
const (
	listRefused = "refused"
	listChanges = "changes"
)

// list is a file of JSON values that is being written.
type list struct {
	file   *os.File
	buffer *bufio.Writer
	json   *json.Encoder
}

// newList creates a list. A reader of the previous one reads that to its end.
func (i *Intake) newList(id, what string) (*list, error) {
	if err := os.Remove(i.path(id, what)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	file, err := os.OpenFile(i.path(id, what), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	l := &list{file: file, buffer: bufio.NewWriter(file)}
	l.json = json.NewEncoder(l.buffer)
	return l, nil
}

func (l *list) add(v any) error { return l.json.Encode(v) }

func (l *list) close() error { return errors.Join(l.buffer.Flush(), l.file.Close()) }

// Refused calls see with each line that the last trial refused, or the import
// after it. It returns ErrNoFile if they are no longer kept, and ErrBusy while
// they are being found.
func (i *Intake) Refused(id string, see func(registry.Refusal) error) error {
	return each(i, id, listRefused, see)
}

// Changes calls see with each difference that the last trial found, of all
// kinds.
func (i *Intake) Changes(id string, see func(domain.Difference) error) error {
	return each(i, id, listChanges, see)
}

// KnowsRefused reports whether a list of refused lines is kept.
func (i *Intake) KnowsRefused(id string) bool {
	if !plainID.MatchString(id) {
		return false
	}
	_, err := os.Stat(i.path(id, listRefused))
	return err == nil
}

func each[T any](i *Intake, id, what string, see func(T) error) error {
	if !plainID.MatchString(id) {
		return ErrNoFile
	}
	i.mu.Lock()
	_, busy := i.working[id]
	i.mu.Unlock()
	if busy {
		return ErrBusy
	}
	file, err := os.Open(i.path(id, what))
	if errors.Is(err, os.ErrNotExist) {
		return ErrNoFile
	}
	if err != nil {
		return err
	}
	defer file.Close()
	for in := json.NewDecoder(bufio.NewReader(file)); ; {
		var v T
		err := in.Decode(&v)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = see(v)
		}
		if err != nil {
			return err
		}
	}
}

// spend removes an imported file, but for its refused lines. It ends the
// progress first, so that these can be read as soon as the file is gone.
func (i *Intake) spend(id string, refused int) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.working, id)
	if refused == 0 {
		return i.Discard(id)
	}
	return i.remove(id, "data", "new", "json", listChanges)
}

// purgeLists removes the refused lines of old imports.
func (i *Intake) purgeLists(names []string) (err error) {
	for _, name := range names {
		info, statErr := os.Stat(name)
		if statErr == nil && i.Now().Sub(info.ModTime()) > Life+time.Hour { // the file itself went first
			err = errors.Join(err, os.Remove(name))
		}
	}
	return err
}
