package sms

// PresetURL returns the template of a preset's address, "" if the operator has to give
// one.
func PresetURL(name string) string { return presets[name].URL }
