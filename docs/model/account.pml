/*
 * One account, ever: how a password becomes an account, while instances die,
 * answers are lost and a backup is restored. README.md beside this file says
 * which line of the program each step stands for.
 *
 *   reserve  the person's name, for ever                internal/activation/choose.go
 *   intend   none -> creating, mark and job, at once    internal/activation/choose.go
 *   take     a job; two instances may have it at once   internal/jobs/runner.go
 *   seek     the person, by number                      keycloak/accounts.go
 *   create   one POST with name, mark and password      keycloak/accounts.go
 *   find     after a 409 or no answer                   keycloak/accounts.go
 *   done     creating -> live, the journey's end      internal/activation/make.go
 *   park     somebody else's account: a human looks     internal/activation/make.go
 *   match    an account from before the portal is hers  internal/matching
 *
 * Faults to plant, each of which has to be found:
 *   -DPLANT_409      set the password of what is there already
 *   -DPLANT_MARK     one mark for a person rather than one for each intent
 *   -DPLANT_UNSOUGHT create without having sought the person first
 *   -DPLANT_UNMATCHED do not seek her before she was compared with accounts that exist
 *   -DPLANT_AGAIN    create for a person who is parked or has an account already
 *   -DPLANT_SILENT   a second password is refused without a word
 */
#define JOURNEYS  2     /* of one person, in two browsers */
#define INSTANCES 2
#define NAMES     2     /* the person's first two candidates */
#define CHOICES   4     /* passwords chosen, over both journeys and the restore */
#define NOBODY    0
#define SHE       1
#define OTHER     2     /* somebody whose first candidate is the same */

mtype = { none, creating, live, parked, waiting, created, conflict }

/* The database. saved is last night's, and nothing once it was restored. */
typedef Database {
	mtype account;               /* people.account */
	byte  name;                  /* people.login, 0: not reserved */
	byte  names[NAMES + 1];      /* names: whose each is */
	byte  mark[JOURNEYS];        /* of the intent, and its password; 0: none */
	bool  job[JOURNEYS];
	bool  compared;              /* people.matched_at */
	bool  open;                  /* people.matching: an account may be hers */
	mtype end[JOURNEYS]          /* none, live, parked */
}
Database db, saved;
hidden Database nothing;
bool restored;
bool others;                     /* the realm has accounts that the portal did not make */

/* Keycloak: one account for each name. */
byte owner[NAMES + 1], kcMark[NAMES + 1], kcPassword[NAMES + 1];
chan posts = [INSTANCES] of { byte, byte };  /* instance, journey: on their way */
byte  call[INSTANCES];           /* the journey whose answer is waited for, and 1 */
mtype answer[INSTANCES];
bool  idle[INSTANCES], seek[INSTANCES];

/* What is true, whoever knows it. */
byte choices;                    /* passwords chosen so far */
byte believed[JOURNEYS];         /* the password that the student believes in */
bool accepted[JOURNEYS];         /* code proven and charter accepted */
byte shown[JOURNEYS];            /* success was shown, for this name */

#ifdef PLANT_MARK
#define MARK 1
#else
#define MARK db.mark[j]
#endif
#define HERS  (owner[1] == SHE || owner[2] == SHE)
#define OURS  (owner[db.name] == SHE && kcMark[db.name] == MARK)

#ifdef PLANT_UNSOUGHT
#define SEEK (others && !db.compared)
#else
#ifdef PLANT_UNMATCHED
#define SEEK restored
#else
#define SEEK (restored || others && !db.compared)
#endif
#endif

#ifdef PLANT_AGAIN
#define GOES true
#else
#define GOES (db.account == creating)
#endif

#define COPY(to, from) \
	to.compared = from.compared; to.open = from.open; to.account = from.account; to.name = from.name; to.names[1] = from.names[1]; to.names[2] = from.names[2]; \
	to.mark[0] = from.mark[0]; to.job[0] = from.job[0]; to.end[0] = from.end[0]; \
	to.mark[1] = from.mark[1]; to.job[1] = from.job[1]; to.end[1] = from.end[1]

/* I1: at most one account is hers. I3: whoever was shown success gets in. S42: nobody else's is touched. */
#define INVARIANTS \
	assert(owner[1] != OTHER || kcPassword[1] == 0); \
	assert(!(owner[1] == SHE && owner[2] == SHE)); \
	assert(!shown[0] || kcPassword[shown[0]] == believed[0]); \
	assert(!shown[1] || kcPassword[shown[1]] == believed[1])

proctype Browser(byte j) {
	do
	:: d_step { /* reserve: the first candidate that is free */
		db.name == 0 && db.account == none ->
		accepted[j] = true;
		if
		:: db.names[1] == NOBODY -> db.names[1] = SHE; db.name = 1
		:: else -> db.names[2] = SHE; db.name = 2
		fi }
	:: d_step { /* intend */
		db.name != 0 && db.account == none && !db.open && !shown[j] && choices < CHOICES ->
		accepted[j] = true;
		choices++;
		db.account = creating; db.mark[j] = choices; db.job[j] = true; believed[j] = choices }
#ifdef PLANT_SILENT
	:: d_step { /* no answer came, and another password is sent: the page does not say which one counts */
		db.mark[j] != 0 && !shown[j] && choices < CHOICES -> choices++; believed[j] = choices }
#endif
	:: d_step { db.end[j] == live && !shown[j] -> shown[j] = db.name; INVARIANTS }
	:: break /* the browser is closed */
	od
}

/* Somebody of the same name reserves it, where it is free. */
proctype Namesake() {
	if
	:: d_step { db.names[1] == NOBODY -> db.names[1] = OTHER }
	:: true
	fi
}

/* Keycloak takes what was sent, now or later; names are unique. */
proctype Keycloak() {
	byte i, j; mtype said = none;
end:	do
	:: atomic {
		posts?i,j ->
		if
		:: owner[db.name] == NOBODY ->
			assert(accepted[j]);     /* I2 */
			owner[db.name] = SHE; kcMark[db.name] = MARK; kcPassword[db.name] = db.mark[j];
			said = created
		:: else -> said = conflict
		fi;
		INVARIANTS;
		if
		:: call[i] == j + 1 -> answer[i] = said
		:: true                          /* the answer is lost, or comes too late */
		fi;
		i = 0; j = 0; said = none }
	od
}

proctype Instance(byte i) {
	byte j;
take:	atomic { j = 0; call[i] = 0; answer[i] = none; seek[i] = false; idle[i] = true }
end:	if
	:: d_step { db.job[0] -> j = 0; idle[i] = false }
	:: d_step { db.job[1] -> j = 1; idle[i] = false }
	fi;
	if                                   /* read the person once: parked or adopted meanwhile, the job does nothing */
	:: d_step { GOES -> seek[i] = SEEK }
	:: !GOES -> goto finish
	fi;
	if                                   /* seek, where needed: an account with her number, whatever its name */
	:: !seek[i]
	:: seek[i] && OURS -> goto done
	:: seek[i] && HERS && !OURS -> goto park
	:: seek[i] && !HERS
	fi;
	if                                   /* create */
	:: d_step { nfull(posts) -> call[i] = j + 1; posts!i,j }
	:: goto take                         /* kill -9, here and below: the lease runs out */
	fi;
	if
	:: answer[i] == created -> goto done
	:: answer[i] == conflict
	:: true                              /* no answer within the limit */
	:: goto take
	fi;
	d_step { call[i] = 0; answer[i] = none };
	if                                   /* find */
	:: owner[db.name] == NOBODY -> goto take /* not there: again later */
#ifdef PLANT_409
	:: d_step { owner[db.name] != NOBODY -> kcPassword[db.name] = db.mark[j]; INVARIANTS }
#else
	:: OURS
	:: owner[db.name] != NOBODY && !OURS -> goto park
#endif
	:: goto take
	fi;
done:	atomic { call[i] = 0; answer[i] = none;
		if
		:: db.end[j] == none && db.account == creating -> db.account = live; db.end[j] = live
		:: else                              /* somebody came first */
		fi };
	goto finish;
park:	atomic {
		if
		:: db.end[j] == none && db.account == creating -> db.account = parked; db.end[j] = parked
		:: else
		fi };
finish:	if :: goto take :: db.job[j] = false fi;
	goto take
}

/*
 * A pass over the accounts that exist: if one is hers, no other is made until an
 * operator decides, or she has it at once. It looks at people without an account.
 */
proctype Pass() {
	if
	:: atomic { others && (db.account == none || db.account == parked) ->
		db.compared = true;
		if
		:: HERS -> db.open = true
		:: HERS -> db.account = live; db.name = (owner[1] == SHE -> 1 : 2)
		:: !HERS
		fi;
		INVARIANTS }
	:: true
	fi
}

/*
 * Last night's backup is restored once, while the instances are stopped and
 * every call of theirs has ended.
 */
proctype Backup() {
	if
	:: d_step { COPY(saved, db) }
	:: goto end
	fi;
	d_step { idle[0] && idle[1] && empty(posts) -> COPY(db, saved); COPY(saved, nothing); restored = true; INVARIANTS };
end:	skip
}

init {
	atomic {
		db.account = none; db.end[0] = none; db.end[1] = none;
		saved.account = none; saved.end[0] = none; saved.end[1] = none;
		answer[0] = none; answer[1] = none;
		if :: owner[1] = OTHER :: owner[2] = SHE; others = true :: true fi;   /* an account of somebody else's, made by hand */
		run Browser(0); run Browser(1); run Namesake(); run Keycloak(); run Instance(0); run Instance(1); run Pass(); run Backup()
	}
	/* Nothing is left on its way: every password has come to an end that is seen (I7). */
end:	timeout ->
	assert(db.mark[0] == 0 || db.end[0] != none);
	assert(db.mark[1] == 0 || db.end[1] != none)
}
