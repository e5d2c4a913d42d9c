"""One login by FTP, as a client does it: `ftp_login.py PORT USER FILE [plain]`
with the password in FILE; over TLS, unless `plain` says otherwise. Prints "in" if
the server then says where the user is, else the code of the answer that ended it,
530 and so on, "closed", or "broken" where its answer is not TLS.
"""

import ftplib
import ssl
import sys


def login(ftp, port, user, password):
    ftp.connect("127.0.0.1", port)
    try:
        ftp.login(user, password)
        ftp.pwd()
    except EOFError:
        return "closed"
    except ssl.SSLError:
        return "broken"
    except ftplib.Error as error:
        return str(error)[:3]
    return "in"


def client(plain):
    if plain:
        return ftplib.FTP(timeout=60)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return ftplib.FTP_TLS(timeout=60, context=context)


with open(sys.argv[3], encoding="ascii") as secret, client(
    "plain" in sys.argv[4:]
) as server:
    print(login(server, int(sys.argv[1]), sys.argv[2], secret.read()))
