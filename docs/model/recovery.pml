/*
 * One account, and the passwords that its owner chooses after having forgotten one:
 * how the newest of them wins, while instances die, answers are lost, the owner
 * stops the recovery and a backup is restored. README.md beside this file says
 * which line of the program each step stands for.
 *
 *   choose   the newest password job of the person, at once   internal/activation/recover.go
 *   take     a job; two instances may have it at once         internal/jobs/runner.go
 *   read     newest, stopped, restored                        internal/activation/recover.go
 *   older    does another job of the person run?              internal/store/jobs.go
 *   set      one PUT with the password                        keycloak/password.go
 *   done     the journey's end                                internal/activation/recover.go
 *   freeze   the link of a notice stops the recovery          internal/activation/recover.go
 *   unfreeze the help desk ends the stop                      internal/helpdesk/acts.go
 *
 * Faults to plant, each of which has to be found:
 *   -DPLANT_ANY       a job that is not the newest sets its password
 *   -DPLANT_OLDER     do not wait for an older job that runs
 *   -DPLANT_FREEZE    do not look whether the recovery is stopped
 *   -DPLANT_UNFREEZE  the end of the stop keeps the newest job
 *   -DPLANT_RESTORED  a job of the backup sets its password
 *   -DPLANT_QUIET     a job that was overtaken ends without a word
 */
#define CHOICES   2     /* journeys of one person, each with one password */
#define INSTANCES 2
#define NONE      0

mtype = { none, live, overtaken, barred, done };

/* The database. saved is last night's, and nothing once it was restored. */
typedef Database {
	byte newest;                 /* people.password_job, 0: none */
	bool frozen;                 /* people.recovery_frozen_at */
	bool job[CHOICES + 1];
	mtype end[CHOICES + 1]
}
Database db, saved;
hidden Database nothing;
bool old[CHOICES + 1];           /* the job was in the backup */
bool restored;

/* Keycloak. A call has ended when the lease of its job has: a limit of the model. */
byte kcPassword;
chan puts = [INSTANCES] of { byte, byte };   /* instance, job: on their way */
bool answered[INSTANCES];
byte runs[INSTANCES];            /* the job that an instance holds */
byte lost[INSTANCES];            /* the job whose lease a dead instance still holds */
bool late[INSTANCES];            /* the person was read after a stop */

/* What is true, whoever knows it. */
byte chosen;                     /* passwords chosen so far: a higher number is a newer one */
byte last;                       /* the newest password that Keycloak ever had */
bool stopped;                    /* the recovery was stopped at some time */
bool before[CHOICES + 1];        /* chosen before the stop */
bool shown[CHOICES + 1];

#define RUNS(k)  (runs[0] == k || runs[1] == k || lost[0] == k || lost[1] == k)
#define OTHERS   ((j != 1 && RUNS(1)) || (j != 2 && RUNS(2)))

#ifdef PLANT_ANY
#define NEWEST true
#else
#define NEWEST (db.newest == j || db.newest == NONE)
#endif
#ifdef PLANT_FREEZE
#define STOPPED (db.newest == NONE)
#else
#define STOPPED (db.frozen || db.newest == NONE)
#endif
#ifdef PLANT_RESTORED
#define OLD false
#else
#define OLD old[j]
#endif

#define COPY(to, from) \
	to.newest = from.newest; to.frozen = from.frozen; \
	to.job[1] = from.job[1]; to.job[2] = from.job[2]; \
	to.end[1] = from.end[1]; to.end[2] = from.end[2]

/* The owner sits at one or more browsers, and each time chooses one password more. */
proctype Owner() {
	do
	:: d_step { chosen < CHOICES && !db.frozen ->
		chosen++; db.newest = chosen; db.job[chosen] = true }
	:: d_step { db.end[1] == live && !shown[1] -> shown[1] = true; assert(kcPassword >= 1) }
	:: d_step { db.end[2] == live && !shown[2] -> shown[2] = true; assert(kcPassword >= 2) }
	:: break
	od
}

/* The notice stops the recovery. Later the help desk ends that. */
proctype Notice() {
	if
	:: d_step { !db.frozen && chosen > 0 ->
		db.frozen = true; stopped = true;
		before[1] = chosen >= 1; before[2] = chosen >= 2 }
	:: goto end
	fi;
	if
	:: d_step { db.frozen -> db.frozen = false;
#ifndef PLANT_UNFREEZE
		db.newest = NONE
#endif
		}
	:: true
	fi;
end:	skip
}

proctype Keycloak() {
	byte i, j;
end:	do
	:: atomic {
		puts?i,j ->
		/* an older password never undoes a newer one */
		assert(j >= last);
		/* a password of before the stop is not set by a run that could know of the stop */
		assert(!(before[j] && late[i]));
		kcPassword = j; last = j;
		if
		:: runs[i] == j -> answered[i] = true
		:: true                      /* the answer is lost, or comes too late */
		fi;
		i = 0; j = 0 }
	od
}

proctype Instance(byte i) {
	byte j;
take:	atomic { j = 0; runs[i] = 0; answered[i] = false; late[i] = false }
end:	if                                   /* no other instance holds it, or its lease ran out */
	:: d_step { db.job[1] && !RUNS(1) -> j = 1; runs[i] = 1 }
	:: d_step { db.job[2] && !RUNS(2) -> j = 2; runs[i] = 2 }
	fi;
	if                                   /* read the journey and the person, once */
	:: d_step { db.end[j] != none -> skip }; goto finish
	:: d_step { db.end[j] == none && OLD -> db.end[j] = barred }; goto finish
	:: d_step { db.end[j] == none && !OLD && !NEWEST ->
#ifndef PLANT_QUIET
		db.end[j] = overtaken
#endif
		}; goto finish
	:: d_step { db.end[j] == none && !OLD && NEWEST && STOPPED -> db.end[j] = barred }; goto finish
	:: d_step { db.end[j] == none && !OLD && NEWEST && !STOPPED -> late[i] = stopped && before[j] }
	fi;
#ifndef PLANT_OLDER
	if                                   /* an older one runs: later */
	:: OTHERS -> goto take
	:: !OTHERS
	:: goto dead
	fi;
#endif
	if                                   /* set */
	:: d_step { nfull(puts) -> puts!i,j }
	:: goto dead
	fi;
	if
	:: answered[i]
	:: empty(puts) -> goto take          /* no answer within the limit: the same job again */
	:: goto dead
	fi;
	atomic {                             /* done */
		if
		:: db.end[j] == none -> db.end[j] = live
		:: else
		fi };
finish:	if
	:: d_step { db.job[j] = false }; goto take
	:: goto dead
	fi;
dead:	atomic { lost[i] = runs[i]; runs[i] = 0; answered[i] = false };   /* kill -9 */
	atomic { empty(puts) -> lost[i] = 0 };                            /* the lease runs out */
	goto take
}

/* Last night's backup is restored once, while the instances are stopped. */
proctype Backup() {
	if
	:: d_step { COPY(saved, db) }
	:: goto end
	fi;
	d_step { runs[0] == 0 && runs[1] == 0 && lost[0] == 0 && lost[1] == 0 && empty(puts) ->
		COPY(db, saved); COPY(saved, nothing); restored = true;
		old[1] = db.job[1]; old[2] = db.job[2] };
end:	skip
}

init {
	atomic {
		db.end[1] = none; db.end[2] = none;
		saved.end[1] = none; saved.end[2] = none;
		nothing.end[1] = none; nothing.end[2] = none;
		run Owner(); run Notice(); run Keycloak(); run Instance(0); run Instance(1); run Backup()
	}
	/* Nothing is left on its way: each password has come to an end that is seen. */
end:	timeout ->
	assert(restored || chosen < 1 || db.end[1] != none);
	assert(restored || chosen < 2 || db.end[2] != none);
	/* The newest password is the account's, unless the recovery was stopped or a backup restored. */
	assert(restored || stopped || kcPassword == chosen)
}
