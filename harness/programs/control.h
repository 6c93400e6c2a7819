/* Private to programs/: what run process and program say to each other, over a pair of SOCK_SEQPACKET sockets. One message
 * is one struct. The channel's end is the end of who is at its other end. */
#ifndef HP_PROGRAMS_CONTROL_H
#define HP_PROGRAMS_CONTROL_H

#include "programs/program.h"

typedef enum hp_control_kind {
    /* to the program */
    HP_CONTROL_SET_UP, /* its host's network is there */
    HP_CONTROL_BEGIN, /* run time has begun */
    HP_CONTROL_STEP, /* index: the step */
    HP_CONTROL_ADDRESSES, /* index: the interface; all of its addresses from now on */
    HP_CONTROL_INTERFACE, /* index, up */
    HP_CONTROL_FINISH,
    /* from the program */
    HP_CONTROL_READY,
    HP_CONTROL_FAILED, /* code: an hp_error_code; text */
    HP_CONTROL_FINISHED,
} hp_control_kind;

enum { HP_CONTROL_MAX_ADDRESSES = 16, HP_CONTROL_TEXT = 512 };

typedef struct hp_control_message {
    uint32_t kind; /* hp_control_kind */
    uint32_t index;
    uint32_t up;
    int32_t code;
    uint32_t n_addresses;
    hp_addr addresses[HP_CONTROL_MAX_ADDRESSES];
    char text[HP_CONTROL_TEXT];
} hp_control_message;

/* What a program process begins with. */
typedef struct hp_program_birth {
    hp_program
        program; /* plan, ops, role, index, name, trace, clock, folder, shared, tracks, listeners: as they are to be */
    int control; /* its end */
    int log; /* stdout and stderr */
    const struct hp_netns *netns; /* NULL: none of its own (the broker) */
} hp_program_birth;

/* In the process that was forked for it: becomes the program, and does not return (program.c). */
G_NORETURN void hp_program_live(const hp_program_birth *birth);

#endif
