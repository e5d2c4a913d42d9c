/*
 * Several hosts, one log: a revocation that has returned on one host, A, and
 * questions on another, B, as in common/cluster/{lease,replica_*}.c,
 * pat_clusterd/schema.sql and the guard of patd.
 *
 * The database is a primary and a synchronous standby. A transaction holds the
 * lock of the head until it has committed; it is at the standby before anybody
 * sees it or hears of it. The primary may die at any moment: then the standby
 * takes its place with what it has, and whoever was in a transaction does not
 * know what became of it. Every message may take as long as it likes, which is
 * also what a host that is cut off looks like. B may be killed. A copy of it, C, may
 * take its name, and have applied all at once; C's own leases are as those of B.
 * B may be stopped, too, and gives back what it was granted, by its number: that may
 * come to the database as late as it likes, and be lost with a primary.
 *
 * A and B have clocks that tick at different paces: they never differ by more
 * than SKEW, so that over a lease they are apart by 2 * SKEW at most, which is
 * the margin between OWN and OTHERS.
 *
 * A question is accepted wrongly if it began when the revocation had returned.
 *
 * Faults that the model must find, each built in by one name:
 * mutants: NO_MARGIN FROM_THE_ANSWER WITHOUT_THE_HEAD GUARD_AFTERWARDS
 * mutants: WITHOUT_LOCK ASYNCHRONOUS OLD_READING KEEP_AFTER_KILL
 * mutants: RETURN_AT_ONCE FORGET_GRANTS BELIEVE_AT_ONCE GRANT_TO_BOTH
 * mutants: WITHOUT_NUMBER GRANTED_BEHIND
 * quick: -DTICKS=4 -DGRANTS=1 -DDISASTERS=1 -DQUESTIONS=1
 * quick: -DTICKS=4 -DGRANTS=1 -DDISASTERS=1 -DQUESTIONS=1 -DTAKEOVERS=1
 * quick: -DTICKS=4 -DGRANTS=1 -DDISASTERS=1 -DQUESTIONS=1 -DSTOPS=1
 * long: -DTICKS=5 -DGRANTS=2 -DDISASTERS=1 -DQUESTIONS=1
 * long: -DTICKS=4 -DGRANTS=1 -DDISASTERS=2 -DQUESTIONS=2
 * long: -DTICKS=4 -DGRANTS=1 -DDISASTERS=0 -DQUESTIONS=1 -DTAKEOVERS=2
 * long: -DTICKS=4 -DGRANTS=2 -DDISASTERS=0 -DQUESTIONS=1 -DSTOPS=2
 */
#ifndef TICKS
#define TICKS 5
#endif
#ifndef GRANTS
#define GRANTS 2
#endif
#ifndef DISASTERS
#define DISASTERS 1
#endif
#ifndef TAKEOVERS
#if defined(BELIEVE_AT_ONCE) || defined(GRANT_TO_BOTH)
#define TAKEOVERS 1
#else
#define TAKEOVERS 0
#endif
#endif
#ifndef STOPS
#if defined(WITHOUT_NUMBER) || defined(GRANTED_BEHIND)
#define STOPS 1
#else
#define STOPS 0
#endif
#endif
#ifndef QUESTIONS
#define QUESTIONS 1
#endif
#define SKEW 1
#define OWN 2
#ifdef NO_MARGIN
#define OTHERS OWN
#else
#define OTHERS (OWN + 2 * SKEW)
#endif
#ifdef WITHOUT_LOCK
#define LOCK_IS_FREE true
#define TAKES_LOCK 0
#else
#define LOCK_IS_FREE (!locked)
#define TAKES_LOCK 1
#endif
#ifdef WITHOUT_THE_HEAD
#define HAS_THE_HEAD true
#else
#define HAS_THE_HEAD (applied >= lease_head)
#endif
#ifdef BELIEVE_AT_ONCE
#define HAS_WAITED true
#else
#define HAS_WAITED (clock[A] >= taken_at + OTHERS)
#endif
#ifdef GRANT_TO_BOTH
#define NAME_IS_ITS_OWN true
#else
#define NAME_IS_ITS_OWN (!taken)
#endif
#ifdef WITHOUT_NUMBER
#define IS_THE_LAST true
#else
#define IS_THE_LAST (given == grants)
#endif
#define A 0
#define B 1

/* The primary, and the standby. `epoch` is the number of the primary. */
byte head = 0, grants = 0, told = 0; /* told: what B said that it has applied */
byte revocation = 0;                 /* its place in the log; 0: not there */
byte standby_head = 0, standby_grants = 0, standby_revocation = 0;
byte standby_told = 0;
bit locked = 0;
byte epoch = 0;

/*
 * C has the name of B; since when, by its clock, which is that of A; its word
 * counts. The standby has that as soon as the primary has.
 */
bit taken = 0, believed = 0;
bit granting = 0; /* a transaction has the row of B, for C to wait for */
byte takeovers = 0, taken_at = 0;

/*
 * `returns`: B was stopped, and then the statement is under way, with the number of
 * the last lease that pat-clusterd has heard of. In the database that lease is the one
 * that was given back, unless there is a later one.
 */
mtype = { NONE, WANTED, SENT };
mtype returns = NONE;
byte granted = 0, given = 0, given_back = 0, stops = 0;

byte clock[2];
byte disasters = 0; /* of the primary, or of B */

/* A: what it has seen of B, and whether it said that the token is revoked. */
byte seen = 0, seen_until = 0;
bit returned = 0;

/* B. A lease is asked for, then granted, then held once all is applied. */
byte applied = 0;
mtype = { NOTHING, ASKED, GRANTED };
mtype lease = NOTHING;
byte asked_at = 0, lease_head = 0, lease_until = 0;
byte life = 0;
bit asking = 0; /* a question that is not answered yet */

active proctype time()
{
end:	do
	:: atomic { clock[A] < TICKS && clock[A] < clock[B] + SKEW ->
		clock[A]++ }
	:: atomic { clock[B] < TICKS && clock[B] < clock[A] + SKEW ->
		clock[B]++ }
	od
}

/* The primary dies; the standby is promoted. */
active proctype crash()
{
end:	do
	:: atomic { disasters < DISASTERS ->
		disasters++;
		epoch++;
		head = standby_head;
		grants = standby_grants;
		revocation = standby_revocation;
		told = standby_told;
		if
		:: given_back = 0
		:: skip
		fi;
		locked = 0;
		granting = 0 }
	od
}

/* ---- the transactions ---- */

/* B is granted a lease: counted, and told where the log ends. */
active proctype grant()
{
	byte mine, end_of_log, made = 0;

end:	do
	:: atomic { lease == ASKED && made < GRANTS && LOCK_IS_FREE &&
		NAME_IS_ITS_OWN ->
			locked = locked | TAKES_LOCK;
			granting = 1;
			made++;
			mine = epoch;
			end_of_log = head }
#ifndef ASYNCHRONOUS
		atomic {
			if
			:: mine == epoch ->
				standby_grants = grants + 1;
				standby_told = told
			:: else -> lease = NOTHING; goto end
			fi
		}
#endif
		atomic {
			if
			:: mine == epoch ->
				grants++;
				granted = grants;
				locked = locked & (1 - TAKES_LOCK);
				granting = 0;
				if
				:: lease == ASKED ->
					lease = GRANTED;
					lease_head = end_of_log
				:: else -> skip /* it was killed meanwhile */
				fi
			:: else -> lease = NOTHING; goto end
			fi
		}
#ifdef ASYNCHRONOUS
		atomic {
			if
			:: mine == epoch -> standby_grants = grants
			:: else -> skip
			fi
		}
#endif
	od
}

inline see(count)
{
	if
	:: count != seen ->
		seen = count;
		seen_until = clock[A] + OTHERS
	:: else -> skip
	fi
}

/* Of all that B was granted, the last is given back. */
#define NOBODY_HAS_IT (grants != 0 && given_back == grants)

/* A revokes: once in the log, however often it has to ask; then it waits. */
active proctype revoke()
{
	byte mine, place, count;
	bit again = 0, none;

	/* It may have looked at B before, or not. */
	if
	:: atomic { see(grants) }
	:: skip
	fi;
#ifdef OLD_READING
	count = grants;
#endif
begin:	atomic {
		!locked ->
		locked = 1;
		mine = epoch;
		place = (revocation != 0 -> revocation : head + 1);
		none = NOBODY_HAS_IT;
#ifndef OLD_READING
		count = grants
#endif
	}
	atomic {
		if
		:: mine == epoch ->
			standby_revocation = place;
			standby_head = (head < place -> place : head);
			standby_told = told
		:: else -> goto begin
		fi
	}
	atomic {
		if
		:: mine == epoch ->
			revocation = place;
			head = (head < place -> place : head);
			locked = 0
		:: else -> goto begin
		fi
	}
	/* The answer comes. */
	atomic {
		see(count);
		if
		:: none -> seen_until = clock[A]
		:: else -> skip
		fi
	}
#ifdef FORGET_GRANTS
	seen_until = clock[A];
#endif
#ifndef RETURN_AT_ONCE
end:	if
	:: told >= place
	:: clock[A] >= seen_until
	:: NOBODY_HAS_IT
	fi;
#endif
	returned = 1
}

/* ---- B ---- */

active proctype host()
{
end:	do
	/* The clock is read before anything is sent. */
	:: atomic { lease == NOTHING && grants < GRANTS ->
		/* A patd that has started: of the one before nothing is sent. */
		returns = (returns == WANTED -> NONE : returns);
		asked_at = clock[B];
		lease = ASKED }
	:: atomic { lease == GRANTED && HAS_THE_HEAD ->
#ifdef FROM_THE_ANSWER
		asked_at = clock[B];
#endif
		lease_until = asked_at + OWN;
		lease = NOTHING }
	:: atomic { applied < head -> applied++ }
	:: atomic { told < applied && !taken -> told = applied }
	/* It says hello again, while C waits. */
	:: atomic { taken && !believed -> taken = 0 }
	/* It is stopped; the one that starts is granted leases again. */
	:: atomic { stops < STOPS && !asking ->
		stops++;
		returns = WANTED;
#ifndef GRANTED_BEHIND
		lease = NOTHING;
#endif
		lease_until = 0 }
	:: atomic { returns == WANTED && !granting ->
		given = granted;
		returns = SENT }
	:: atomic { returns == SENT && !granting && !taken ->
		given_back = (IS_THE_LAST -> grants : given_back);
		returns = NONE }
	/* The store stays; the lease does not. */
	:: atomic { disasters < DISASTERS ->
		disasters++;
		life++;
		granted = 0;
#ifndef KEEP_AFTER_KILL
		lease = NOTHING;
		lease_until = 0
#else
		/* From a file, and the clock of a machine that booted. */
		lease_until = lease_until + OWN
#endif
		}
	od
}

/* ---- C ---- */

active proctype copy()
{
end:	do
	:: atomic { !taken && takeovers < TAKEOVERS && !granting ->
		takeovers++;
		taken = 1;
		taken_at = clock[A] }
	:: atomic { taken && !believed && HAS_WAITED ->
		believed = 1;
		told = head }
	od
}

active proctype question()
{
	bit knew, holds, revoked;
	byte asked = 0, mine;

	do
	:: asked == QUESTIONS -> break
	:: asked < QUESTIONS ->
		atomic { asked++; mine = life; knew = returned; asking = 1 }
#ifdef GUARD_AFTERWARDS
		revoked = (revocation != 0 && applied >= revocation);
		holds = (clock[B] < lease_until);
#else
		holds = (clock[B] < lease_until);
		revoked = (revocation != 0 && applied >= revocation);
#endif
		/* A patd that was killed answers nothing. */
		assert(!(knew && holds && !revoked && mine == life));
		asking = 0
	od
}
