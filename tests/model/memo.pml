/*
 * The memo of proved tokens, single flight, revocation and restart, as in
 * common/decide/{decide,provide,memo,memo_file}.c and patd/pool.c.
 *
 * One record, whose hash is that of secret 0, until it may be replaced by that
 * of secret 1 (a restored store, an id that was made anew). Clients ask with
 * either secret; both are right for their own hash only. Each step between two
 * semicolons may be the last one before patd is killed.
 *
 * A client is accepted wrongly if the record it asked about had been revoked,
 * or its hash replaced, and that was acknowledged, before it asked; or if its
 * secret never matched a hash of the record.
 *
 * Faults that the model must find, each built in by one name:
 * mutants: SHARE_DECISION REMEMBER_DECISION TAG_WITHOUT_HASH FLIGHT_WITHOUT_TOKEN
 * mutants: ACKNOWLEDGE_FIRST
 * quick: -DCLIENTS=2 -DQUESTIONS=1 -DWORKERS=1 -DADMINISTRATORS=1
 * long: -DCLIENTS=2 -DQUESTIONS=1 -DWORKERS=2 -DADMINISTRATORS=2
 * long: -DCLIENTS=2 -DQUESTIONS=2 -DWORKERS=1 -DADMINISTRATORS=1
 * long: -DCLIENTS=3 -DQUESTIONS=1 -DWORKERS=1 -DADMINISTRATORS=1
 */
#ifndef CLIENTS
#define CLIENTS 2
#endif
#ifndef QUESTIONS
#define QUESTIONS 2
#endif
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef ADMINISTRATORS
#define ADMINISTRATORS 2
#endif
#ifndef KILLS
#define KILLS 1
#endif
#define NEEDS_MAX 3
#define PAIRS 4

#define MATCHES(hash, token) ((hash) == (token))
#ifdef TAG_WITHOUT_HASH
#define PLACE(hash, token) (token)
#else
#define PLACE(hash, token) (2 * (hash) + (token))
#endif
#ifdef FLIGHT_WITHOUT_TOKEN
#define FLIGHT(hash, token) (2 * (hash))
#else
#define FLIGHT(hash, token) (2 * (hash) + (token))
#endif

/* On disk: what was committed is there after a kill. */
bit hash = 0, revoked = 0;
bit file[PAIRS];

/* What an administrator was told. */
bit told_revoked = 0, told_replaced = 0;
bit was_replaced = 0;

/* patd: gone with it. `life` is the number of the process. */
bit up = 1;
byte life = 0;
bit memo[PAIRS];
mtype = { NONE, QUEUED, FLYING };
mtype flight[PAIRS] = NONE;
bit flight_hash[PAIRS], flight_token[PAIRS];

/* Where a question waits; `landed`: with what was proved. */
bit waits[CLIENTS], landed[CLIENTS], proved_match[CLIENTS];
bit proved_hash[CLIENTS], shared_revoked[CLIENTS];
byte boarded[CLIENTS];

byte running = CLIENTS;

inline forget()
{
	d_step {
		i = 0;
		do
		:: i < PAIRS ->
			memo[i] = 0; flight[i] = NONE;
			flight_hash[i] = 0; flight_token[i] = 0;
			i++
		:: else -> break
		od;
		i = 0;
		do
		:: i < CLIENTS ->
			waits[i] = 0; landed[i] = 0; boarded[i] = 0;
			proved_hash[i] = 0; proved_match[i] = 0;
			shared_revoked[i] = 0;
			i++
		:: else -> break
		od;
		i = 0
	}
}

proctype client(byte me)
{
	bit token, knew_revoked, knew_replaced, seen_hash, seen_revoked;
	byte mine, needs, asked;

	do
	:: asked == QUESTIONS -> break
	:: asked < QUESTIONS ->
		atomic {
			up;
			asked++;
			if :: token = 0 :: token = 1 fi;
			mine = life;
			knew_revoked = told_revoked;
			knew_replaced = told_replaced;
			needs = 0;
		}
		/* The record is read once, and judged as it was read. */
read:		atomic {
			if
			:: life != mine -> goto answered
			:: else -> seen_hash = hash; seen_revoked = revoked
			fi
		}
		atomic {
			if
			:: life != mine -> goto answered
			:: life == mine && memo[PLACE(seen_hash, token)] ->
#ifdef REMEMBER_DECISION
				seen_revoked = 0;
#endif
				goto judge
			:: else -> skip
			fi
		}
		/* Into the flight of this pair, or one of its own. */
board:		atomic {
			if
			:: life != mine || needs == NEEDS_MAX -> goto answered
			:: else ->
				needs++;
				boarded[me] = FLIGHT(seen_hash, token);
				waits[me] = 1;
				if
				:: flight[boarded[me]] == NONE ->
					flight[boarded[me]] = QUEUED;
					flight_hash[boarded[me]] = seen_hash;
					flight_token[boarded[me]] = token
				:: else -> skip
				fi
			fi
		}
		atomic {
			if
			:: life != mine -> goto answered
			:: life == mine && landed[me] -> landed[me] = 0
			fi
		}
		/* Decided again, from the record as it is now. */
		atomic {
			if
			:: life != mine -> goto answered
			:: else -> skip
			fi;
#ifdef SHARE_DECISION
			seen_revoked = shared_revoked[me];
#else
			seen_revoked = revoked;
#endif
			if
			:: hash == proved_hash[me] -> skip
			:: else -> seen_hash = hash; goto board
			fi;
			if
			:: proved_match[me] -> goto judge
			:: else -> goto answered
			fi
		}
judge:		atomic {
			if
			:: life != mine || seen_revoked -> skip
			:: else ->
				assert(!knew_revoked);
				assert(!(knew_replaced && token == 0));
				assert(token == 0 || was_replaced)
			fi
		}
answered:	atomic {
			if
			:: life == mine ->
				waits[me] = 0; landed[me] = 0; boarded[me] = 0;
				proved_hash[me] = 0; proved_match[me] = 0;
				shared_revoked[me] = 0
			:: else -> skip
			fi;
			seen_hash = 0; seen_revoked = 0; token = 0; mine = 0;
			knew_revoked = 0; knew_replaced = 0; needs = 0
		}
	od;
	running--
}

/* Argon2id runs outside of every lock. */
proctype worker()
{
	byte at, mine, i;
	bit saw_revoked;

end:	do
	:: atomic {
		up && (flight[0] == QUEUED || flight[1] == QUEUED ||
		    flight[2] == QUEUED || flight[3] == QUEUED) ->
		if
		:: flight[0] == QUEUED -> at = 0
		:: flight[1] == QUEUED -> at = 1
		:: flight[2] == QUEUED -> at = 2
		:: flight[3] == QUEUED -> at = 3
		fi;
		flight[at] = FLYING;
		mine = life;
#ifdef SHARE_DECISION
		saw_revoked = revoked
#endif
	   }
	   /* The table, then the file. */
	   atomic {
		if
		:: life == mine &&
		    MATCHES(flight_hash[at], flight_token[at]) ->
			memo[PLACE(flight_hash[at], flight_token[at])] = 1
		:: else -> skip
		fi
	   }
	   atomic {
		if
		:: life == mine &&
		    MATCHES(flight_hash[at], flight_token[at]) ->
			file[PLACE(flight_hash[at], flight_token[at])] = 1
		:: else -> skip
		fi
	   }
	   d_step {
		if
		:: life == mine ->
			i = 0;
			do
			:: i < CLIENTS ->
				if
				:: waits[i] && boarded[i] == at ->
					waits[i] = 0;
					landed[i] = 1;
					proved_hash[i] = flight_hash[at];
					proved_match[i] = MATCHES(
					    flight_hash[at], flight_token[at]);
					shared_revoked[i] = saw_revoked
				:: else -> skip
				fi;
				i++
			:: else -> break
			od;
			flight[at] = NONE;
			flight_hash[at] = 0;
			flight_token[at] = 0
		:: else -> skip
		fi;
		i = 0; at = 0; mine = 0; saw_revoked = 0
	   }
	od
}

/* A commit is there as a whole or not at all; then comes the answer. */
proctype administrator()
{
	byte mine;

	if
	:: atomic { up; mine = life }
#ifdef ACKNOWLEDGE_FIRST
	   told_revoked = 1;
#endif
	   atomic {
		if
		:: life == mine -> revoked = 1
		:: else -> goto done
		fi
	   }
	   atomic {
		if
		:: life == mine -> told_revoked = 1
		:: else -> skip
		fi
	   }
	:: atomic { up; mine = life }
	   atomic {
		if
		:: life == mine -> hash = 1; was_replaced = 1
		:: else -> goto done
		fi
	   }
	   atomic {
		if
		:: life == mine -> told_replaced = 1
		:: else -> skip
		fi
	   }
	fi;
done:	skip
}

/* kill -9, a start that goes on with the file, and SIGHUP, which forgets it. */
proctype fate()
{
	byte kills, i;

end:	do
	:: kills < KILLS ->
		atomic { up = 0; life++; kills++; forget() }
		d_step {
			i = 0;
			do
			:: i < PAIRS -> memo[i] = file[i]; i++
			:: else -> break
			od;
			i = 0;
			up = 1
		}
	:: kills < KILLS ->
		d_step {
			kills++;
			i = 0;
			do
			:: i < PAIRS -> memo[i] = 0; file[i] = 0; i++
			:: else -> break
			od;
			i = 0
		}
	:: running == 0 -> break
	od
}

init
{
	byte i;

	atomic {
		for (i : 0 .. CLIENTS - 1) { run client(i) }
		for (i : 1 .. WORKERS) { run worker() }
		for (i : 1 .. ADMINISTRATORS) { run administrator() }
		run fate();
		i = 0
	}
}
