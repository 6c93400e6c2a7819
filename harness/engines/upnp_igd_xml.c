/* What a UPnP gateway says of itself: the description of its devices, and that of its one service (UPnP Device
 * Architecture 1.0 sections 2.1 and 2.3).
 *
 * The devices stand inside each other, IGD, WANDevice, WANConnectionDevice; of the services only WANIPConnection is
 * there, since a client needs no other to map a port. */
#include "engines/upnp_igd_private.h"

static void open_device(const hp_upnp_igd *igd, hp_upnp_device device, const char *type, GString *out)
{
    g_string_append_printf(out,
                           "<device>"
                           "<deviceType>" HP_UPNP_URN "device:%s:%u</deviceType>"
                           "<friendlyName>Hairpin</friendlyName>"
                           "<manufacturer>Hairpin</manufacturer>"
                           "<modelName>Hairpin</modelName>"
                           "<modelNumber>" HAIRPIN_VERSION "</modelNumber>"
                           "<UDN>uuid:%s</UDN>",
                           type, igd->version, igd->uuid[device]);
}

void hp_upnp_describe_device(const hp_upnp_igd *igd, GString *out)
{
    g_string_append(out, "<?xml version=\"1.0\"?>\r\n"
                         "<root xmlns=\"urn:schemas-upnp-org:device-1-0\">"
                         "<specVersion><major>1</major><minor>0</minor></specVersion>");
    open_device(igd, HP_UPNP_ROOT, "InternetGatewayDevice", out);
    g_string_append(out, "<deviceList>");
    open_device(igd, HP_UPNP_WAN, "WANDevice", out);
    g_string_append(out, "<deviceList>");
    open_device(igd, HP_UPNP_WAN_CONNECTION, "WANConnectionDevice", out);
    g_string_append_printf(out,
                           "<serviceList><service>"
                           "<serviceType>" HP_UPNP_URN "service:WANIPConnection:%u</serviceType>"
                           "<serviceId>urn:upnp-org:serviceId:WANIPConn1</serviceId>"
                           "<controlURL>" HP_UPNP_CONTROL "</controlURL>"
                           "<eventSubURL>" HP_UPNP_EVENTS "</eventSubURL>"
                           "<SCPDURL>" HP_UPNP_SERVICE_DESCRIPTION "</SCPDURL>"
                           "</service></serviceList>"
                           "</device></deviceList></device></deviceList></device></root>\r\n",
                           igd->version);
}

/* An argument of an action and the state variable it is about; the action's own name heads its arguments. */
typedef struct argument {
    const char *name;
    const char *variable; /* NULL: `name` is an action */
    bool out;
    unsigned since; /* of an action: version */
} argument;

static const argument actions[] = {
    {"AddPortMapping", NULL, false, 1},
    {"NewRemoteHost", "RemoteHost", false, 0},
    {"NewExternalPort", "ExternalPort", false, 0},
    {"NewProtocol", "PortMappingProtocol", false, 0},
    {"NewInternalPort", "InternalPort", false, 0},
    {"NewInternalClient", "InternalClient", false, 0},
    {"NewEnabled", "PortMappingEnabled", false, 0},
    {"NewPortMappingDescription", "PortMappingDescription", false, 0},
    {"NewLeaseDuration", "PortMappingLeaseDuration", false, 0},
    {"AddAnyPortMapping", NULL, false, 2},
    {"NewRemoteHost", "RemoteHost", false, 0},
    {"NewExternalPort", "ExternalPort", false, 0},
    {"NewProtocol", "PortMappingProtocol", false, 0},
    {"NewInternalPort", "InternalPort", false, 0},
    {"NewInternalClient", "InternalClient", false, 0},
    {"NewEnabled", "PortMappingEnabled", false, 0},
    {"NewPortMappingDescription", "PortMappingDescription", false, 0},
    {"NewLeaseDuration", "PortMappingLeaseDuration", false, 0},
    {"NewReservedPort", "ExternalPort", true, 0},
    {"DeletePortMapping", NULL, false, 1},
    {"NewRemoteHost", "RemoteHost", false, 0},
    {"NewExternalPort", "ExternalPort", false, 0},
    {"NewProtocol", "PortMappingProtocol", false, 0},
    {"GetGenericPortMappingEntry", NULL, false, 1},
    {"NewPortMappingIndex", "PortMappingNumberOfEntries", false, 0},
    {"NewRemoteHost", "RemoteHost", true, 0},
    {"NewExternalPort", "ExternalPort", true, 0},
    {"NewProtocol", "PortMappingProtocol", true, 0},
    {"NewInternalPort", "InternalPort", true, 0},
    {"NewInternalClient", "InternalClient", true, 0},
    {"NewEnabled", "PortMappingEnabled", true, 0},
    {"NewPortMappingDescription", "PortMappingDescription", true, 0},
    {"NewLeaseDuration", "PortMappingLeaseDuration", true, 0},
    {"GetSpecificPortMappingEntry", NULL, false, 1},
    {"NewRemoteHost", "RemoteHost", false, 0},
    {"NewExternalPort", "ExternalPort", false, 0},
    {"NewProtocol", "PortMappingProtocol", false, 0},
    {"NewInternalPort", "InternalPort", true, 0},
    {"NewInternalClient", "InternalClient", true, 0},
    {"NewEnabled", "PortMappingEnabled", true, 0},
    {"NewPortMappingDescription", "PortMappingDescription", true, 0},
    {"NewLeaseDuration", "PortMappingLeaseDuration", true, 0},
    {"GetExternalIPAddress", NULL, false, 1},
    {"NewExternalIPAddress", "ExternalIPAddress", true, 0},
    {"GetStatusInfo", NULL, false, 1},
    {"NewConnectionStatus", "ConnectionStatus", true, 0},
    {"NewLastConnectionError", "LastConnectionError", true, 0},
    {"NewUptime", "Uptime", true, 0},
    {"GetConnectionTypeInfo", NULL, false, 1},
    {"NewConnectionType", "ConnectionType", true, 0},
    {"NewPossibleConnectionTypes", "PossibleConnectionTypes", true, 0},
    {"GetNATRSIPStatus", NULL, false, 1},
    {"NewRSIPAvailable", "RSIPAvailable", true, 0},
    {"NewNATEnabled", "NATEnabled", true, 0},
};

static const struct {
    const char *name, *type;
} variables[] = {
    {"ConnectionType", "string"},
    {"PossibleConnectionTypes", "string"},
    {"ConnectionStatus", "string"},
    {"Uptime", "ui4"},
    {"LastConnectionError", "string"},
    {"RSIPAvailable", "boolean"},
    {"NATEnabled", "boolean"},
    {"ExternalIPAddress", "string"},
    {"PortMappingNumberOfEntries", "ui2"},
    {"PortMappingEnabled", "boolean"},
    {"PortMappingLeaseDuration", "ui4"},
    {"RemoteHost", "string"},
    {"ExternalPort", "ui2"},
    {"InternalPort", "ui2"},
    {"PortMappingProtocol", "string"},
    {"InternalClient", "string"},
    {"PortMappingDescription", "string"},
};

void hp_upnp_describe_service(const hp_upnp_igd *igd, GString *out)
{
    bool open = false, skip = false;
    g_string_append(out, "<?xml version=\"1.0\"?>\r\n"
                         "<scpd xmlns=\"urn:schemas-upnp-org:service-1-0\">"
                         "<specVersion><major>1</major><minor>0</minor></specVersion><actionList>");
    for (size_t i = 0; i < G_N_ELEMENTS(actions); i++) {
        const argument *a = &actions[i];
        if (a->variable == NULL) {
            g_string_append(out, open ? "</argumentList></action>" : "");
            skip = a->since > igd->version;
            open = !skip;
            if (open) {
                g_string_append_printf(out, "<action><name>%s</name><argumentList>", a->name);
            }
        } else if (!skip) {
            g_string_append_printf(out,
                                   "<argument><name>%s</name><direction>%s</direction>"
                                   "<relatedStateVariable>%s</relatedStateVariable></argument>",
                                   a->name, a->out ? "out" : "in", a->variable);
        }
    }
    g_string_append(out, open ? "</argumentList></action>" : "");
    g_string_append(out, "</actionList><serviceStateTable>");
    for (size_t i = 0; i < G_N_ELEMENTS(variables); i++) {
        g_string_append_printf(
            out, "<stateVariable sendEvents=\"no\"><name>%s</name><dataType>%s</dataType></stateVariable>",
            variables[i].name, variables[i].type);
    }
    g_string_append(out, "</serviceStateTable></scpd>\r\n");
}
