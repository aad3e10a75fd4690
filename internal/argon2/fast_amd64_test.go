package argon2

func setPath(p int) { path = p }
