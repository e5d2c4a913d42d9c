/*
 * Who owns the store: a patd that starts, stops or is killed, one-shots of
 * modules whose question found nobody listening, and a pat-admin that revokes
 * without a patd; as in common/store/bdb_lock.c, patd/one_shot.c, patd/main.c
 * and common/wire/client.c.
 *
 * The lock file carries two locks: patd announces itself with one before it
 * waits for the other, which is ownership. A one-shot that has the store lends
 * it to others by a socket in the store's folder, until it closes the store.
 * A process that is killed leaves its locks at once, and its socket in the
 * file system, where nobody accepts.
 *
 * Nobody but the owner touches the store, nobody removes the socket of
 * another one, a question that was asked after a revocation was acknowledged is
 * never accepted, and every question ends.
 *
 * mutants: NO_LOCK UNLOCK_FIRST ACKNOWLEDGE_FIRST LEND_PAST_THE_END
 * quick: -DTRIES=1
 * long: -DTRIES=2 -DSTARTS=3
 * long: -DSHOTS=3
 */
#ifndef SHOTS
#define SHOTS 2
#endif
#ifndef STARTS
#define STARTS 2
#endif
#ifndef TRIES
#define TRIES 2
#endif

#define NOBODY 0
#define PATD 1
#define ADMIN 2
#define SHOT(n) (3 + (n))

byte announced = NOBODY; /* F_OFD_SETLK */
byte owner = NOBODY;     /* flock(2) */
byte users = 0;          /* processes that have the store open */
byte lent = NOBODY;      /* who listens at one-shot.sock */
bit listening = 0;       /* patd at verify.sock */
bit revoked = 0;         /* committed */
bit told = 0;            /* the administrator knows */
byte alive = 0;          /* patd's number; 0: none */
byte asking = SHOTS;

inline open_store()
{
	users++;
	assert(users == 1)
}

inline close_store()
{
	users--
}

/* `seen`: the record as the owner read it for this question. */
inline accept(seen)
{
	assert(seen || !knew)
}

proctype patd()
{
	byte starts;
	bit go_on;

end:	do
	:: starts < STARTS && asking > 0 ->
		starts++;
		announced = PATD;
		/* It waits for an owner; a kill may come first. */
		if
		:: atomic { owner == NOBODY -> owner = PATD }
		   open_store();
		   alive = 1;
		   listening = 1;
		   /* Its questions are answered in one_shot() and admin(). */
		   if
		   :: listening = 0 ->	/* it stops */
			atomic { alive = 0; close_store(); }
			owner = NOBODY;
			announced = NOBODY
		   :: atomic {		/* it is killed */
			listening = 0; alive = 0;
			close_store();
			owner = NOBODY; announced = NOBODY
		      }
		   fi
		:: announced = NOBODY	/* killed while it waited */
		fi
	:: asking == 0 -> break
	od
}

/* A module's question, and its one-shot. */
proctype one_shot(byte n)
{
	bit knew, seen;
	byte tries, who;

	knew = told;
	/* verify.sock first. */
	atomic {
		if
		:: listening -> seen = revoked; goto judge
		:: else -> skip
		fi
	}
again:	if
	:: announced != NOBODY -> goto ask
	:: else -> skip
	fi;
	atomic {
		if
#ifdef NO_LOCK
		:: 1 -> owner = SHOT(n)
#else
		:: owner == NOBODY -> owner = SHOT(n)
		:: else -> goto ask
#endif
		fi
	}
	open_store();
	atomic { lent = SHOT(n) }	/* removes one of the killed, binds */
	if
	:: skip
	:: atomic {			/* killed */
		if
		:: owner == SHOT(n) -> owner = NOBODY
		:: else -> skip
		fi;
		close_store();
		if
		:: lent == SHOT(n) -> lent = NOBODY
		:: else -> skip
		fi;
		goto gone
	   }
	fi;
	seen = revoked;
#ifdef UNLOCK_FIRST
	owner = NOBODY;
#endif
#ifndef LEND_PAST_THE_END
	atomic { assert(lent == SHOT(n)); lent = NOBODY }
#endif
	close_store();
#ifndef UNLOCK_FIRST
	owner = NOBODY;
#endif
#ifdef LEND_PAST_THE_END
	atomic { assert(lent == SHOT(n)); lent = NOBODY }
#endif
	goto judge;

	/* The owner answers, with a record that it reads now. */
ask:	atomic {
		if
		:: lent != NOBODY -> who = lent; seen = revoked;
			assert(users == 1 || who != owner); goto judge
		:: listening -> seen = revoked; goto judge
		:: else -> skip
		fi
	}
	if
	:: tries < TRIES -> tries++; goto again
	:: else -> goto gone		/* unavailable: it is never a yes */
	fi;
judge:	if
	:: seen -> skip
	:: else -> accept(seen)
	fi;
gone:	atomic { seen = 0; knew = 0; tries = 0; who = 0; asking-- }
}

/* It asks patd, or takes the store itself. */
proctype admin()
{
#ifdef ACKNOWLEDGE_FIRST
	told = 1;
#endif
	if
	:: atomic { listening && alive -> revoked = 1 }
	   told = 1
	:: atomic { owner == NOBODY && announced == NOBODY -> owner = ADMIN }
	   open_store();
	   revoked = 1;
	   close_store();
	   owner = NOBODY;
	   told = 1
	:: skip				/* it cannot, and says so */
	fi
}

init
{
	byte i;

	atomic {
		run patd();
		for (i : 0 .. SHOTS - 1) { run one_shot(i) }
		run admin();
		i = 0
	}
}
