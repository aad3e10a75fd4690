package argon2

func setFast(on bool) { fast = on }
