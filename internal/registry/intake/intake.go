// Package intake takes a file from its upload to its import, in the steps in
// which an operator decides: what the columns are, what would change, do it.
//
//	Receive ── uploaded ── Try ── trying ── tried ── Begin ── importing ── record
//	                        ▲_______________________│
//	                         other columns
//
// A file lies in a folder until it is imported or thrown away, a day at most,
// with what is known of it beside it. Trying and importing go on when the page
// that asked for them is closed, and end with the program.
package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"entree/internal/audit"
	"entree/internal/domain"
	"entree/internal/registry"
)

// Life is how long an uploaded file waits for its import.
const Life = 24 * time.Hour

// Show is how many differences of each kind are kept for the page; the lists
// have all.
const Show = 500

// ErrNoFile is returned if there is no such file any more.
var ErrNoFile = errors.New("intake: no such file")

// ErrBusy is returned while the file is tried or imported.
var ErrBusy = errors.New("intake: busy")

// Options configure an intake.
type Options struct {
	Folder  string
	Store   registry.Sink
	Mapping registry.Mapping // of the configuration
	MaxGone float64
	Log     *slog.Logger
	Now     func() time.Time
	Random  io.Reader
}

// Intake keeps uploaded files. Its methods are safe for concurrent use.
type Intake struct {
	Options
	context context.Context // of what is done in the background
	cancel  context.CancelFunc
	mu      sync.Mutex
	working map[string]Progress
	stops   map[string]chan struct{} // end the signs of life
	group   sync.WaitGroup
}

// Choice is what the operator decided about a file.
type Choice struct {
	Columns map[string]string // field → #n, or nothing if no column has it; nil: as proposed
	Sheets  []string          // of a spreadsheet; none: the one with the best header
	Profile string            // of every person, if no column says it
	Source  string            // whose people these are; empty: their profile's
	Part    bool              // the file is a part of its source
}

// File is an uploaded file and what is known of it.
type File struct {
	ID       string
	Name     string // as its operator called it
	Size     int64
	Operator string
	At       time.Time
	Header   int // line of the header
	Columns  []registry.Column
	Report   registry.Report // of the beginning, without the values
	Choice   Choice
	Trial    *Trial // nil: not tried yet
}

// Trial is the result of a dry run.
type Trial struct {
	At      time.Time
	Counts  domain.ImportCounts
	Changes []domain.Difference // the first of each kind
	Refused []registry.Refusal  // the first
	Report  *registry.Report    // nil if the file could not be read to its end
	TooMany string              // too many would be gone: in words
	Error   string
}

// Progress is the state of a running trial or import.
type Progress struct {
	Import bool // or a trial
	Phase  domain.ImportPhase
	Lines  int
	Done   float64 // of the reading, 0 to 1
	Begun  time.Time
	Seen   time.Time // last sign of life of the instance that works
}

// New returns an intake. Its background work ends with ctx or with Close.
func New(ctx context.Context, o Options) *Intake {
	ctx, cancel := context.WithCancel(ctx)
	return &Intake{Options: o, context: ctx, cancel: cancel, working: map[string]Progress{}, stops: map[string]chan struct{}{}}
}

// Close stops the background work and waits for its end.
func (i *Intake) Close() {
	i.cancel()
	i.group.Wait()
}

// Receive stores an uploaded file and proposes what its columns are. It refuses
// and removes a file that cannot be read as a table.
func (i *Intake) Receive(name, operator string, r io.Reader) (File, error) {
	id, err := domain.NewID(i.Random)
	if err != nil {
		return File{}, err
	}
	f := File{ID: id, Name: name, Operator: operator, At: i.Now().UTC(), Choice: Choice{Profile: i.Mapping.Profile}}
	if err := os.MkdirAll(i.Folder, 0o700); err != nil {
		return File{}, err
	}
	data, err := os.OpenFile(i.path(f.ID, "data"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return File{}, err
	}
	f.Size, err = io.Copy(data, r)
	if err = errors.Join(err, data.Close()); err == nil {
		err = i.look(&f)
	}
	if err == nil {
		err = i.keep(f)
	}
	if err != nil {
		return File{}, errors.Join(err, i.Discard(f.ID))
	}
	return f, nil
}

// look reads the file's beginning.
func (i *Intake) look(f *File) error {
	t, err := i.open(*f)
	if err != nil {
		return err
	}
	m := i.Mapping
	m.Sheets = f.Choice.Sheets
	columns, report, err := registry.Propose(t, m)
	if err == nil {
		f.Columns, f.Header, f.Report = columns, report.Header, *report
	}
	return errors.Join(err, t.Close())
}

// Choose selects other sheets of a file. Decisions about its columns are discarded,
// because the sheets have other columns.
func (i *Intake) Choose(id string, sheets []string) error {
	f, working, err := i.File(id)
	switch {
	case err != nil:
		return err
	case working != nil:
		return ErrBusy
	}
	f.Choice, f.Trial = Choice{Profile: f.Choice.Profile, Source: f.Choice.Source, Part: f.Choice.Part, Sheets: sheets}, nil
	if err := i.look(&f); err != nil {
		return err
	}
	return i.keep(f)
}

var plainID = regexp.MustCompile(`^[0-9a-f]{32}$`)

func (i *Intake) path(id, what string) string { return filepath.Join(i.Folder, id+"."+what) }

// File returns an uploaded file, and the progress of its trial or import if one
// is running.
func (i *Intake) File(id string) (File, *Progress, error) {
	if !plainID.MatchString(id) {
		return File{}, nil, ErrNoFile
	}
	// The progress is read first: once there is none, the result is in the file.
	working, busy := i.progress(id)
	raw, err := os.ReadFile(i.path(id, "json"))
	if errors.Is(err, os.ErrNotExist) {
		return File{}, nil, ErrNoFile
	}
	var f File
	if err == nil {
		err = json.Unmarshal(raw, &f)
	}
	if err != nil || !busy {
		return f, nil, err
	}
	return f, &working, nil
}

func (i *Intake) keep(f File) error {
	raw, err := json.Marshal(f)
	if err != nil {
		return err
	}
	// A concurrent reader finds the old file or the new one.
	if err := os.WriteFile(i.path(f.ID, "new"), raw, 0o600); err != nil {
		return err
	}
	return os.Rename(i.path(f.ID, "new"), i.path(f.ID, "json"))
}

// Discard removes a file.
func (i *Intake) Discard(id string) error {
	if !plainID.MatchString(id) {
		return ErrNoFile
	}
	return i.remove(id, "data", "new", "json", progressFile, listRefused, listChanges)
}

func (i *Intake) remove(id string, parts ...string) error {
	var errs []error
	for _, what := range parts {
		if err := os.Remove(i.path(id, what)); !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Purge removes files that are older than Life.
func (i *Intake) Purge() error {
	files, err := filepath.Glob(filepath.Join(i.Folder, "*.data"))
	for _, name := range files {
		id := filepath.Base(name[:len(name)-len(".data")])
		f, working, readErr := i.File(id)
		if working != nil || readErr == nil && i.Now().Sub(f.At) < Life {
			continue
		}
		if info, statErr := os.Stat(name); readErr != nil && statErr == nil && i.Now().Sub(info.ModTime()) < time.Hour {
			continue // it is being uploaded
		}
		err = errors.Join(err, i.Discard(id))
	}
	lists, globErr := filepath.Glob(filepath.Join(i.Folder, "*."+listRefused))
	return errors.Join(err, globErr, i.purgeLists(lists))
}

func (i *Intake) open(f File) (registry.Table, error) {
	data, err := os.Open(i.path(f.ID, "data"))
	if err != nil {
		return registry.Table{}, err
	}
	t, err := registry.Open(data)
	if err != nil {
		return registry.Table{}, errors.Join(err, data.Close())
	}
	closeTable := t.Close
	t.Close = func() error { return errors.Join(closeTable(), data.Close()) }
	return t, nil
}

func (i *Intake) mapping(c Choice) registry.Mapping {
	m := i.Mapping
	if c.Columns != nil {
		m.Columns = maps.Clone(c.Columns)
	}
	m.Profile, m.Sheets = c.Profile, c.Sheets
	return m
}

// Try runs an import dry in the background.
func (i *Intake) Try(id string, c Choice) error {
	f, _, err := i.File(id)
	if err != nil {
		return err
	}
	f.Choice, f.Trial = c, nil
	if !i.take(id, false) {
		return ErrBusy
	}
	if err := i.keep(f); err != nil {
		i.release(id)
		return err
	}
	i.group.Go(func() {
		defer i.release(id)
		trial := i.try(f)
		f.Trial = &trial
		if err := i.keep(f); err != nil {
			i.Log.Error("store the outcome of a trial", "import", id, "error", err)
		}
	})
	return nil
}

func (i *Intake) try(f File) Trial {
	trial := Trial{At: i.Now().UTC()}
	err := i.tryInto(f, &trial)
	if tooMany := (*domain.TooManyGone)(nil); errors.As(err, &tooMany) {
		trial.TooMany = tooMany.Error()
	} else if err != nil {
		trial.Error = err.Error()
	}
	return trial
}

func (i *Intake) tryInto(f File, trial *Trial) error {
	changes, err := i.newList(f.ID, listChanges)
	if err != nil {
		return err
	}
	kept := map[domain.DifferenceKind]int{}
	o := &domain.ImportOrder{Import: domain.Import{Source: f.Choice.Source, File: f.Name}, DryRun: true, Part: f.Choice.Part, MaxGone: i.MaxGone, Show: math.MaxInt32,
		Told: func(d domain.Difference) error {
			if kept[d.Kind]++; kept[d.Kind] <= Show {
				trial.Changes = append(trial.Changes, d)
			}
			return changes.add(d)
		},
	}
	err = i.run(f, o, trial)
	return errors.Join(err, changes.close())
}

// run reads the file into the store.
func (i *Intake) run(f File, o *domain.ImportOrder, trial *Trial) (err error) {
	t, err := i.open(f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	refused, err := i.newList(f.ID, listRefused)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, refused.close()) }()
	o.Progress = func(phase domain.ImportPhase, lines int) {
		i.mu.Lock()
		defer i.mu.Unlock()
		p := i.working[f.ID]
		p.Phase, p.Lines, p.Done = phase, lines, t.Done()
		i.working[f.ID] = p
		i.show(f.ID, false)
	}
	trial.Counts, err = registry.Import(i.context, i.Store, t, i.mapping(f.Choice), o, registry.Observer{
		Refused: func(r registry.Refusal) error {
			if len(trial.Refused) < Show {
				trial.Refused = append(trial.Refused, r)
			}
			return refused.add(r)
		},
		Report: func(r *registry.Report) error { trial.Report = r; return nil },
	})
	return err
}

// Begin imports a file in the background, as it was tried. gone says that it
// was seen how many people are gone. The record in the store has the file's
// id, and stays when the file is thrown away; by stands in the audit from the
// moment on in which the record does.
func (i *Intake) Begin(id string, gone bool, by audit.Entry) error {
	f, _, err := i.File(id)
	if err != nil {
		return err
	}
	if f.Trial == nil || f.Trial.Error != "" || f.Trial.TooMany != "" && !gone {
		return fmt.Errorf("%w: it was not tried", ErrBusy)
	}
	if !i.take(id, true) {
		return ErrBusy
	}
	i.group.Go(func() {
		defer i.release(id)
		o := &domain.ImportOrder{
			Import: domain.Import{ID: id, Source: f.Choice.Source, File: f.Name, Operator: by.By.Name}, Part: f.Choice.Part, MaxGone: i.MaxGone, Gone: gone, Audit: []audit.Entry{by},
		}
		var done Trial
		err := i.run(f, o, &done)
		if errors.Is(err, domain.ErrImportRunning) {
			f.Trial = &Trial{At: f.Trial.At, Error: err.Error()} // the file waits, and may be tried again
			if err := i.keep(f); err != nil {
				i.Log.Error("keep a file that could not be imported yet", "import", id, "error", err)
			}
			return
		}
		if err != nil {
			done.Counts.Refused = 0 // of nothing
			i.Log.Error("an uploaded file could not be imported", "import", id, "error", err)
		}
		if err := i.spend(id, done.Counts.Refused); err != nil {
			i.Log.Error("remove an imported file", "import", id, "error", err)
		}
	})
	return nil
}
