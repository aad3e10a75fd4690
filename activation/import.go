package activation

// ImportOutcome is what became of one person in an import.
type ImportOutcome int

// The outcomes. A person who is Twice or Taken was not written.
const (
	ImportNew ImportOutcome = iota + 1
	ImportChanged
	ImportUnchanged
	ImportTwice // the same profile and number came before in this import
	ImportTaken // the identifier or address that the source gives is somebody else's
)
